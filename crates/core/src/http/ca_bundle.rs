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
pub(super) fn read(path: &Path) -> Result<TrustStore, CaBundleError> {
    let mut trust = TrustStore::empty();
    for (pem, _) in anchors(path)? {
        trust.add_pem_certificate(pem);
    }
    Ok(trust)
}

/// Whom a TLS connection of our own trusts: a PEM bundle or, without one, the system's.
pub(crate) fn roots(bundle: Option<&Path>) -> Result<RootCertStore, CaBundleError> {
    let mut roots = RootCertStore::empty();
    match bundle {
        Some(path) => anchors(path)?.into_iter().for_each(|(_, der)| drop(roots.add(der))),
        // One that cannot be read is left out, as the HTTP client leaves it out.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    Ok(roots)
}

/// The certificates of a bundle, as they stand there and as they are.
///
/// Each is tried first: the connector panics on one that it cannot read. A bundle may hold some that cannot be trust
/// anchors; it must hold one that can.
fn anchors(path: &Path) -> Result<Vec<(String, CertificateDer<'static>)>, CaBundleError> {
    let fail = |what: String| CaBundleError { path: path.to_owned(), what };
    let bytes = fs::read(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    // Lossy, because the comments between certificates may be in any encoding.
    let text = String::from_utf8_lossy(&bytes);
    let mut anchors = Vec::new();
    for block in text.split(BEGIN).skip(1) {
        let Some((body, _)) = block.split_once(END) else { continue };
        let pem = format!("{BEGIN}{body}{END}\n");
        if let Ok(der) = CertificateDer::from_pem_slice(pem.as_bytes())
            && RootCertStore::empty().add(der.clone()).is_ok()
        {
            anchors.push((pem, der));
        }
    }
    if anchors.is_empty() { Err(fail("holds no certificate that can be trusted (PEM is expected)".into())) } else { Ok(anchors) }
}
