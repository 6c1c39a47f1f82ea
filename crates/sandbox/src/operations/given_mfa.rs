use jiff::Timestamp;

use super::Call;
use crate::{
    caller::Kind,
    limits::{DIGITS, Limits, SERIAL},
    wire::Refusal,
};

/// Checks the form of `SerialNumber` and `TokenCode`.
pub fn check(call: &Call<'_>, limits: &mut Limits) {
    limits.optional("serialNumber", call.parameters.get("SerialNumber"), 9..=256, SERIAL);
    limits.optional("tokenCode", call.parameters.get("TokenCode"), 6..=6, DIGITS);
}

/// Takes the MFA code of a request, if it has one: the time at which it was given.
///
/// # Errors
/// `AccessDenied` if it is not a fresh code of the caller's own device, or the caller is not a user with long-term keys.
pub fn take(call: &mut Call<'_>) -> Result<Option<Timestamp>, Refusal> {
    let (serial, code) = match (call.parameters.get("SerialNumber"), call.parameters.get("TokenCode")) {
        (None, None) => return Ok(None),
        (Some(serial), Some(code)) => (serial, code),
        _ => {
            return Err(Refusal::denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            ));
        }
    };
    let unable = |why: &str| {
        Refusal::denied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid \
             and associated with this user.",
        )
        .because(why)
    };
    if call.caller.session.is_some() {
        return Err(unable("MFA can be given with long-term keys only"));
    }
    match (call.world.device(serial), &call.caller.kind) {
        (Some((user, device)), Kind::User { arn }) if user.arn == *arn => {
            if call.devices.accept(device, code, call.now) {
                Ok(Some(call.now))
            } else {
                Err(Refusal::denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
                    .because("the code is wrong, or it or a later one was used before"))
            }
        }
        _ => Err(unable("the device is not the caller's")),
    }
}
