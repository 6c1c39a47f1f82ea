use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_smithy_http_client::tls::TrustStore;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The file of certificate authorities cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the CA bundle {} {what}", path.display())]
pub(crate) struct CaBundleError {
    pub(crate) path: PathBuf,
    pub(crate) what: String,
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads a PEM bundle that replaces the system's trust, as botocore's does.
///
/// Each certificate is tried first: the connector panics on one that it cannot read. A bundle may hold some that
/// cannot be trust anchors; it must hold one that can.
pub(super) fn read(path: &Path) -> Result<TrustStore, CaBundleError> {
    let fail = |what: String| CaBundleError { path: path.to_owned(), what };
    let bytes = fs::read(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    // Lossy, because the comments between certificates may be in any encoding.
    let text = String::from_utf8_lossy(&bytes);
    let mut trust = TrustStore::empty();
    let mut usable = false;
    for block in text.split(BEGIN).skip(1) {
        let Some((body, _)) = block.split_once(END) else { continue };
        let pem = format!("{BEGIN}{body}{END}\n");
        let anchor = CertificateDer::from_pem_slice(pem.as_bytes());
        if anchor.is_ok_and(|der| RootCertStore::empty().add(der).is_ok()) {
            trust.add_pem_certificate(pem);
            usable = true;
        }
    }
    if usable { Ok(trust) } else { Err(fail("holds no certificate that can be trusted (PEM is expected)".into())) }
}
