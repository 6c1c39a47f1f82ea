/// Whether `text` matches `pattern`, where `*` is any run of characters and `?` any one of them.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on after a mismatch: behind the last star, one character further in the text. Linear, no recursion.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in [
            ("*", ""),
            ("sts:*", "sts:AssumeRole"),
            ("a*b*c", "a-b-b-c"),
            ("r?le", "role"),
            ("arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/ops/Deploy"),
        ] {
            assert!(matches(pattern, text), "{pattern} should match {text}");
        }
        for (pattern, text) in [("", "a"), ("sts:Get*", "sts:AssumeRole"), ("a*b", "a-b-c"), ("r?le", "rle"), ("a", "")] {
            assert!(!matches(pattern, text), "{pattern} should not match {text}");
        }
    }
}
