//! Where a mistake stands in the configuration file.

/// The line and the column, from 1, and the key: `line 3, column 12, key duration.assume`.
pub fn place(text: &str, offset: usize) -> String {
    let before = &text[..text.floor_char_boundary(offset)];
    let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1);
    match key_at(text, line) {
        key if key.is_empty() => format!("line {line}, column {column}"),
        key => format!("line {line}, column {column}, key {key}"),
    }
}

/// The key whose value stands in a line, with the tables that it is in: what the nearest header and the nearest key above say.
fn key_at(text: &str, line: usize) -> String {
    let (mut table, mut key) = ("", "");
    for text in text.lines().take(line).map(str::trim) {
        if let Some(header) = text.strip_prefix('[') {
            (table, key) = (header.split(']').next().unwrap_or_default().trim_start_matches('[').trim(), "");
        } else if let Some((name, _)) = text.split_once('=').filter(|(name, _)| is_key(name.trim())) {
            key = name.trim();
        }
    }
    [table, key].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// Whether it is a key, and not a part of a value that goes over several lines.
fn is_key(text: &str) -> bool {
    let is_bare = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let is_quoted =
        |part: &str| part.len() > 1 && ['"', '\''].iter().any(|quote| part.starts_with(*quote) && part.ends_with(*quote));
    text.split('.').map(str::trim).all(|part| is_bare(part) || is_quoted(part))
}

#[cfg(test)]
mod tests {
    use crate::configuration::parse;

    #[test]
    fn every_mistake_has_its_line_its_column_and_its_key() {
        for (text, says) in [
            ("colour = \"always\"\n", "line 1, column 1, key colour: unknown field `colour`"),
            ("color = \"purple\"\n", "line 1, column 9, key color: unknown variant `purple`"),
            ("region = 7\n", "line 1, column 10, key region: invalid type: integer `7`, expected a string"),
            ("count_uses = \"yes\"\n", "line 1, column 14, key count_uses: invalid type: string \"yes\", expected a boolean"),
            ("# mine\n[duration]\nsession = \"1h\"\nassume = \"2x\"\n", "line 4, column 10, key duration.assume: "),
            ("[duration]\nassume = true\n", "line 2, column 10, key duration.assume: a boolean is not a duration"),
            ("[duration]\nassume = 1.5\n", "line 2, column 10, key duration.assume: a float is not a duration"),
            ("[duration]\nassum = 900\n", "line 2, column 1, key duration.assum: unknown field `assum`"),
            ("duration.assume = \"x\"\n", "line 1, column 19, key duration.assume: "),
            ("duration = \"1h\"\n", "line 1, column 12, key duration: invalid type: string \"1h\""),
            (
                "[prompt]\nproduction = [\n  \"a = b\",\n  7,\n]\n",
                "line 4, column 3, key prompt.production: invalid type: integer `7`",
            ),
            ("[mfa]\ncommand = \"ykman\"\n", "line 2, column 11, key mfa.command: invalid type: string \"ykman\""),
            ("[promt]\nproduction = []\n", "line 1, column 2, key promt: unknown field `promt`"),
            ("region = \"eu-west-1\n", "line 1, column"),
            ("region = \"a\"\nregion = \"b\"\n", "line 2, column 1, key region: duplicate key"),
            ("\"ä\" = 1\n", "line 1, column 1, key \"ä\": unknown field `ä`"),
            ("[store]\nkind = \"valt\"\n", "line 2, column 8, key store.kind: unknown variant `valt`"),
            ("[store]\nkind = \"vault\"\nkeyfile = \"/k\"\n", "line 3, column 1, key store.keyfile: unknown field `keyfile`"),
            ("[store]\nkind = \"vault\"\nkey_file = \"k\"\n", "line 3, column 12, key store.key_file: "),
            ("[store]\nkind = \"vault\"\nkey_file = 7\n", "line 3, column 12, key store.key_file: invalid type: integer `7`"),
            ("[store]\nkind = \"keyring\"\nkey_file = \"/k\"\n", "line 3, column 12, key store.key_file: "),
            ("\n[store]\nkind = \"vault\"\n", "line 2, column 1, key store: needs either key_file or key_command"),
            ("[store]\nkey_file = \"/k\"\n", "line 1, column 1, key store: missing field `kind`"),
            (
                "[store]\nkind = \"vault\"\nkey_file = \"/k\"\nkey_command = [\"k\"]\n",
                "line 1, column 1, key store: needs either key_file or key_command",
            ),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(says), "{text}\nexpected: {says}\nsaid:     {said}");
            assert!(!said.contains('\n'), "{said}");
        }
        parse("").unwrap();
        parse("region = \"eu-west-1\"\n[store]\nkind = \"vault\"\nkey_file = \"/k\"\n").unwrap();
    }
}
