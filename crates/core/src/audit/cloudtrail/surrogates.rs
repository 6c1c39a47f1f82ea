/// Puts U+FFFD in the place of each half of a surrogate pair that stands alone: JSON has them, a text has not. It is as long as
/// before. Returns whether there was one.
pub fn mend(json: &mut [u8]) -> bool {
    let (mut at, mut is_mended) = (0, false);
    while let Some(next) = json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += next;
        at += match (unit(json, at), unit(json, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                json[at + 2..at + 6].copy_from_slice(b"fffd");
                is_mended = true;
                6
            }
            _ => 2,
        };
    }
    is_mended
}

/// The number of the escape that stands there.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_is_mended() {
        for (text, mended) in [
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\uDC00\ud83d\ude00\ud83d\u0041""#, r#""\ufffd\ud83d\ude00\ufffd\u0041""#),
            (r#""\\ud800 \u00e9 \"#, r#""\\ud800 \u00e9 \"#),
            (r#""\ud8"#, r#""\ud8"#),
        ] {
            let mut json = text.as_bytes().to_vec();
            assert_eq!((mend(&mut json), str::from_utf8(&json).unwrap()), (text != mended, mended));
        }
    }
}
