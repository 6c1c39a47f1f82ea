use std::time::Duration;

use jiff::Timestamp;

/// How long a device shows a code, in milliseconds: RFC 6238's default, which AWS's devices have.
const STEP: i64 = 30_000;

/// How long it is until the device shows another code than at `used_at`; `None` if it does already.
pub fn until_next(used_at: Timestamp, now: Timestamp) -> Option<Duration> {
    let (used_at, now) = (used_at.as_millisecond(), now.as_millisecond());
    let left = u64::try_from(STEP - now.rem_euclid(STEP)).ok()?;
    (used_at.div_euclid(STEP) == now.div_euclid(STEP)).then(|| Duration::from_millis(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_code_is_there_when_its_step_begins() {
        let at = |millisecond: i64| Timestamp::from_millisecond(1_795_000_020_000 + millisecond).unwrap();
        for (used_at, now, wait) in [
            (0, 0, Some(30_000)),
            (0, 12_345, Some(17_655)),
            (29_999, 29_999, Some(1)),
            (29_999, 30_000, None),
            (10_000, 40_000, None),
            (10_000, -1, None),
            (86_400_000, 0, None),
        ] {
            assert_eq!(until_next(at(used_at), at(now)), wait.map(Duration::from_millis), "{used_at} {now}");
        }
    }
}
