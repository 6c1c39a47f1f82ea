-- A text in a note, found in milliseconds also where no note has it: of a million events, one in five with a note, reading
-- every note takes 70 ms.
CREATE VIEW event_noted AS SELECT sequence, note FROM event WHERE note IS NOT NULL;

-- By each three characters that follow one another. It keeps no text of its own; shorter texts are looked for in the notes,
-- for which the index event_note stays.
CREATE VIRTUAL TABLE event_text USING fts5 (note, content = 'event_noted', content_rowid = 'sequence', tokenize = 'trigram');
INSERT INTO event_text (event_text) VALUES ('rebuild');

CREATE TRIGGER event_text_follows_insert AFTER INSERT ON event WHEN new.note IS NOT NULL BEGIN
    INSERT INTO event_text (rowid, note) VALUES (new.sequence, new.note);
END;
-- Only `audit prune` ever deletes.
CREATE TRIGGER event_text_follows_delete AFTER DELETE ON event WHEN old.note IS NOT NULL BEGIN
    INSERT INTO event_text (event_text, rowid, note) VALUES ('delete', old.sequence, old.note);
END;
