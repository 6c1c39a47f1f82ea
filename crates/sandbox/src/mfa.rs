//! MFA devices: a code is good for one step before and after the present one, and good once.

use std::collections::HashMap;

use jiff::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use crate::world::MfaDevice;

/// How long a code is shown, in seconds.
pub const STEP: u64 = 30;

/// The code generator of a device; the error says why its secret cannot be used.
pub fn totp(device: &MfaDevice) -> Result<Totp, String> {
    let secret = Secret::try_from_base32(&device.secret.0).map_err(|_| "the secret is not base32")?;
    Builder::new().with_secret(secret).with_skew(1).build().map_err(|error| error.to_string())
}

/// The code of a device, `steps` after the present one.
pub fn code(device: &MfaDevice, now: Timestamp, steps: u64) -> Result<String, String> {
    Ok(totp(device)?.generate(seconds(now) + steps * STEP).to_string())
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0)
}

/// Remembers which code of each device was used last.
#[derive(Debug, Default)]
pub struct Devices {
    last_used: HashMap<String, u64>,
}

impl Devices {
    /// Takes a code: true if it is right and neither it nor a later one was used before.
    pub fn accept(&mut self, device: &MfaDevice, code: &str, now: Timestamp) -> bool {
        let Some(step) = totp(device).ok().and_then(|totp| totp.check(code, seconds(now))) else { return false };
        if self.last_used.get(&device.serial).is_some_and(|&used| step <= used) {
            return false;
        }
        self.last_used.insert(device.serial.clone(), step);
        true
    }

    /// A code that [`Devices::accept`] will take: the present one, or else the next one. `Err` with the seconds to wait
    /// if both are used.
    pub fn fresh_code(&self, device: &MfaDevice, now: Timestamp) -> Result<String, u64> {
        let present = seconds(now) / STEP;
        let step = match self.last_used.get(&device.serial) {
            Some(&used) => present.max(used + 1),
            None => present,
        };
        match totp(device) {
            Ok(totp) if step <= present + 1 => Ok(totp.generate(step * STEP).to_string()),
            _ => Err((step - 1) * STEP - seconds(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{BUILT_IN, World};

    fn device() -> MfaDevice {
        World::parse(BUILT_IN).unwrap().users[0].mfa.clone().unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_code_is_good_once_and_for_one_step_around() {
        let device = device();
        let now = at(1_795_000_010);
        for (offset, good) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let then = at(now.as_second() + offset);
            let code = code(&device, then, 0).unwrap();
            assert_eq!(Devices::default().accept(&device, &code, now), good, "offset {offset}");
        }
        let mut devices = Devices::default();
        let present = code(&device, now, 0).unwrap();
        assert!(devices.accept(&device, &present, now));
        assert!(!devices.accept(&device, &present, now), "a replay");
        let earlier = code(&device, at(now.as_second() - 30), 0).unwrap();
        assert!(!devices.accept(&device, &earlier, now), "older than the last one used");
        assert!(!devices.accept(&device, "000000", now) || present == "000000");
    }

    #[test]
    fn a_fresh_code_is_always_accepted_until_both_are_used() {
        let device = device();
        let now = at(1_795_000_010);
        let mut devices = Devices::default();
        let first = devices.fresh_code(&device, now).unwrap();
        assert!(devices.accept(&device, &first, now));
        let second = devices.fresh_code(&device, now).unwrap();
        assert_ne!(first, second);
        assert!(devices.accept(&device, &second, now));
        let wait = devices.fresh_code(&device, now).unwrap_err();
        let later = at(now.as_second() + i64::try_from(wait).unwrap());
        let third = devices.fresh_code(&device, later).unwrap();
        assert!(devices.accept(&device, &third, later));
        assert!(devices.fresh_code(&device, at(later.as_second() - 1)).is_err(), "the wait was no longer than needed");
    }
}
