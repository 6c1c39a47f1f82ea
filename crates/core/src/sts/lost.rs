use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_sts::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextMut},
    error::BoxError,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Issued, error};

/// Of an answer no more than this is looked at, in bytes. STS's own are smaller, and begin with the access key id.
const MOST: usize = 16 << 10;

/// What answers issued that the SDK gave up or tried again: it tells of the last attempt alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost(Arc<Mutex<Vec<Issued>>>);

impl Lost {
    /// Looks at each attempt of one call, whose `secrets` no name of its answer repeats.
    pub(super) fn watch(&self, secrets: &[SecretString]) -> Watch {
        Watch { lost: self.clone(), secrets: secrets.to_vec() }
    }

    pub(super) fn take(&self) -> Vec<Issued> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This one has come through.
    pub(super) fn found(&self, access_key_id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|it| it.access_key_id != access_key_id);
    }

    fn note(&self, issued: Issued) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.iter().all(|it| it.access_key_id != issued.access_key_id) {
            lost.push(issued);
        }
    }
}

/// Looks at the answers of one call as they pass.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    lost: Lost,
    secrets: Vec<SecretString>,
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "CredstackLost"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if !response.status().is_success() {
            return Ok(());
        }
        let request_id = response.headers().get("x-amzn-requestid").map(str::to_owned);
        let request_id = request_id.filter(|id| !error::is_echo(id, &self.secrets));
        // With room for all from the start: growing would leave copies behind that are not wiped.
        let mut passed = Passed { watch: self.clone(), request_id, text: Zeroizing::new(Vec::with_capacity(MOST)) };
        let body = mem::replace(response.body_mut(), SdkBody::taken());
        *response.body_mut() = SdkBody::from_body_1_x(body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                let room = MOST - passed.text.len();
                passed.text.extend_from_slice(&data[..data.len().min(room)]);
            }
            frame
        }));
        Ok(())
    }
}

/// The beginning of an answer, read when the SDK is through with it, at its end or not.
struct Passed {
    watch: Watch,
    request_id: Option<String>,
    text: Zeroizing<Vec<u8>>,
}

impl Drop for Passed {
    fn drop(&mut self) {
        if let Some(issued) = error::issued_in(&self.text, &self.watch.secrets) {
            self.watch.lost.note(Issued { request_id: self.request_id.take(), ..issued });
        }
    }
}
