use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Reader, StackError};
use crate::database::settings;

/// What is remembered of an MFA device. Never a code, and nothing that is made from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MfaDevice {
    /// When the newest code that STS was given was the present one, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// When a person last gave none, though a dialog asked, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined_at: Option<Timestamp>,
}

/// The setting in which it is kept, by serial number.
const DEVICES: &str = "mfa_devices";
/// After that, in seconds, it does not matter any more.
const FORGOTTEN: i64 = 600;

type Devices = BTreeMap<String, MfaDevice>;

impl Reader {
    /// What is remembered of a device.
    pub fn mfa_device(&self, serial: &str) -> Result<MfaDevice, StackError> {
        let Some(database) = &self.database else { return Ok(MfaDevice::default()) };
        let devices: Option<Devices> = database.read(|connection| settings::get(connection, DEVICES))?;
        Ok(devices.and_then(|devices| devices.get(serial).copied()).unwrap_or_default())
    }
}

impl Change {
    /// Remembers that STS was given the code of a device that was the present one at `at`.
    pub fn note_code_used(&mut self, serial: &str, at: Timestamp) -> Result<(), StackError> {
        self.note_device(serial, |device| device.used_at = Some(at))
    }

    /// Remembers that a person was asked for a code now, and gave none.
    pub fn note_code_declined(&mut self, serial: &str) -> Result<(), StackError> {
        let now = self.now;
        self.note_device(serial, |device| device.declined_at = Some(now))
    }

    fn note_device(&mut self, serial: &str, note: impl FnOnce(&mut MfaDevice)) -> Result<(), StackError> {
        let recent = |at: Option<Timestamp>| at.is_some_and(|at| (self.now.as_second() - at.as_second()).abs() < FORGOTTEN);
        self.database.write(|transaction| {
            let mut devices: Devices = settings::get(transaction, DEVICES)?.unwrap_or_default();
            devices.retain(|_, device| recent(device.used_at) || recent(device.declined_at));
            note(devices.entry(serial.to_owned()).or_default());
            Ok(settings::put(transaction, DEVICES, &devices)?)
        })
    }
}
