//! A relay between one client and the sandbox that sees which keys sign, and for which region.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A key that signed, and the region that it signed for.
pub type Signature = (String, String);

/// Listens until it is dropped.
pub struct Witness {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
    ended: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Witness {
    /// Relays to `upstream`; where there is none, it answers every request with 403, as a service that lets nobody in.
    pub fn start(upstream: Option<SocketAddr>) -> Witness {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let listening = thread::spawn({
            let (seen, ended) = (Arc::clone(&seen), Arc::clone(&ended));
            move || {
                for client in listener.incoming() {
                    if ended.load(Ordering::SeqCst) {
                        break;
                    }
                    // Either side may go away at any time.
                    let Ok(client) = client else { continue };
                    let seen = Arc::clone(&seen);
                    match upstream.map(TcpStream::connect) {
                        Some(Ok(server)) => relay(client, server, seen),
                        Some(Err(_)) => (),
                        None => drop(thread::spawn(move || refuse(client, &seen))),
                    }
                }
            }
        });
        Witness { address, seen, ended, listening: Some(listening) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every signature so far: an Authorization header is `… Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`, and that of
    /// version 2 `AWS KEY:…`.
    pub fn signatures(&self) -> BTreeSet<Signature> {
        let seen = self.seen.lock().unwrap();
        let text = String::from_utf8_lossy(&seen);
        let of_version_4 = text.split("Credential=").skip(1).filter_map(|scope| {
            let mut parts = scope.split(',').next()?.split('/');
            Some((parts.next()?.to_owned(), parts.nth(1)?.to_owned()))
        });
        let of_version_2 = text.split("uthorization: AWS ").skip(1);
        let of_version_2 = of_version_2.filter_map(|rest| Some((rest.split(':').next()?.trim().to_owned(), String::new())));
        of_version_4.chain(of_version_2).collect()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which is waiting for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            let _panicked = listening.join();
        }
    }
}

fn relay(client: TcpStream, server: TcpStream, seen: Arc<Mutex<Vec<u8>>>) {
    let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || copy(from_client, server, |bytes| seen.lock().unwrap().extend_from_slice(bytes)));
    thread::spawn(move || copy(from_server, client, |_| ()));
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        see(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Already closed is as good.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// Reads heads, and bodies as far as they come with them, and refuses.
fn refuse(mut client: TcpStream, seen: &Mutex<Vec<u8>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut buffer) {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    seen.lock().unwrap().extend_from_slice(&request);
    let body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let head = format!(
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _gone = client.write_all((head + body).as_bytes());
}
