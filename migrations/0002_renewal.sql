-- Renewal: a credential set is asked for again, from what was recorded of its request, and another one takes its place on
-- every stack. The lineage of whatever was signed by the old one leads on to the new one.
ALTER TABLE credential ADD COLUMN replaced_by INTEGER REFERENCES credential (id);
