//! A relay between the program and the sandbox that remembers what the sandbox answered, and so which secrets there are.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Relays bytes as they come, and keeps the answers. What it relays is remembered before it is passed on.
pub struct Recorder {
    address: SocketAddr,
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
    ended: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Relays to `upstream` from a port of its own.
    pub fn start(upstream: SocketAddr) -> Recorder {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let listening = thread::spawn({
            let (answers, ended) = (Arc::clone(&answers), Arc::clone(&ended));
            move || {
                for client in listener.incoming() {
                    if ended.load(Ordering::SeqCst) {
                        break;
                    }
                    // Either side may go away at any time: that is the program's matter, not the relay's.
                    let (Ok(client), Ok(server)) = (client, TcpStream::connect(upstream)) else { continue };
                    relay(client, server, &answers);
                }
            }
        });
        Recorder { address, answers, ended, listening: Some(listening) }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bytes of the answers, one entry for each connection.
    pub fn answers(&self) -> Vec<Vec<u8>> {
        self.answers.lock().unwrap().clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which is waiting for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }
}

fn relay(client: TcpStream, server: TcpStream, answers: &Arc<Mutex<Vec<Vec<u8>>>>) {
    let index = {
        let mut answers = answers.lock().unwrap();
        answers.push(Vec::new());
        answers.len() - 1
    };
    let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { return };
    thread::spawn(move || copy(from_client, server, |_| ()));
    let answers = Arc::clone(answers);
    thread::spawn(move || copy(from_server, client, |bytes| answers.lock().unwrap()[index].extend_from_slice(bytes)));
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
