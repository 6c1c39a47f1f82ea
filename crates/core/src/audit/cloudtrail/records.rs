//! Records out of bytes, one at a time, whatever stands around them: `{"Records": […]}`, `{"Events": […]}`, an array, one
//! record a line, or several of these one after the other. Behind damage it goes on where the next record begins.

use std::io::{self, Read};

use super::{Wrong, record::Record, surrogates::mend};

/// How much is read at once, and how large one record may be. AWS's own limit for a record is 256 KB.
const CHUNK: usize = 256 * 1024;
const LARGEST: usize = 8 * 1024 * 1024;

/// The members of an object in which records are, and what may stand before them.
const ENVELOPES: [&[u8]; 3] = [b"Records", b"Events", b"NextToken"];

/// What is found in a file, in its order.
pub enum Piece<'a> {
    /// An object that may be a record, and where it begins.
    Object(u64, &'a Record<'a>),
    /// An array of records begins, which may be empty; is it said to be one?
    Envelope(bool),
    /// Something that cannot be read.
    Damage(u64, Wrong),
}

/// Where we are.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before a document.
    Top,
    /// In an array of records; is an object around it?
    Array { wrapped: bool },
    /// Among the members of an object that has, or had, such an array.
    Envelope,
}

/// Hands each piece to `take`. An error of `from` ends it, after everything that was read before was handed over; it comes with
/// its position.
pub fn each(from: impl Read, take: &mut dyn FnMut(Piece<'_>)) -> Result<(), (u64, io::Error)> {
    let mut bytes = Bytes { from, buffer: Vec::new(), at: 0, base: 0, ended: false, error: None };
    let mut place = Place::Top;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.at += 3;
    }
    while let Some(byte) = bytes.next_of_any(if place == Place::Top { b" \t\r\n\x1e" } else { b" \t\r\n," }) {
        place = match (place, byte) {
            (Place::Top, b'[') => {
                bytes.at += 1;
                take(Piece::Envelope(false));
                Place::Array { wrapped: false }
            }
            (Place::Top, b'{') if is_envelope(&mut bytes) => {
                bytes.at += 1;
                Place::Envelope
            }
            (Place::Top | Place::Array { .. }, b'{') => {
                object(&mut bytes, place, take);
                place
            }
            (Place::Array { wrapped }, b']') => {
                bytes.at += 1;
                if wrapped { Place::Envelope } else { Place::Top }
            }
            (Place::Envelope, b'}') => {
                bytes.at += 1;
                Place::Top
            }
            // What was between has been left out as damaged.
            (Place::Envelope, b'{') => {
                object(&mut bytes, Place::Array { wrapped: true }, take);
                Place::Array { wrapped: true }
            }
            (Place::Envelope, b'"') => member(&mut bytes, take),
            _ => {
                take(Piece::Damage(bytes.position(), Wrong::NotJson));
                bytes.at += 1;
                bytes.skip_to(place, (place != Place::Top).then(Depth::default));
                place
            }
        };
    }
    if place != Place::Top && bytes.error.is_none() {
        take(Piece::Damage(bytes.position(), Wrong::CutOff));
    }
    let position = bytes.position();
    bytes.error.map_or(Ok(()), |error| Err((position, error)))
}

/// Whether the object that begins here has an array of records, by its first member.
fn is_envelope(bytes: &mut Bytes<impl Read>) -> bool {
    bytes.look_ahead();
    let Some(rest) = bytes.rest()[1..].trim_ascii_start().strip_prefix(b"\"") else { return false };
    ENVELOPES.iter().any(|name| rest.strip_prefix(*name).is_some_and(|rest| rest.starts_with(b"\"")))
}

/// One member of an envelope: the array is entered, anything else is left out.
fn member(bytes: &mut Bytes<impl Read>, take: &mut dyn FnMut(Piece<'_>)) -> Place {
    bytes.look_ahead();
    let from = bytes.at + 1;
    bytes.skip_value();
    let name = bytes.buffer.get(from..bytes.at.saturating_sub(1)).unwrap_or_default();
    let is_array = ENVELOPES[..2].contains(&name);
    if bytes.next_of_any(b" \t\r\n:") == Some(b'[') && is_array {
        bytes.at += 1;
        take(Piece::Envelope(true));
        return Place::Array { wrapped: true };
    }
    bytes.skip_value();
    Place::Envelope
}

/// An object, read as a record.
fn object(bytes: &mut Bytes<impl Read>, place: Place, take: &mut dyn FnMut(Piece<'_>)) {
    let at = bytes.position();
    let wrong = loop {
        let mut stream = serde_json::Deserializer::from_slice(bytes.rest()).into_iter::<Record<'_>>();
        let (is_short, is_half) = match stream.next() {
            Some(Ok(record)) => {
                let length = stream.byte_offset();
                if length > LARGEST {
                    break Wrong::TooLarge;
                }
                take(Piece::Object(at, &record));
                bytes.at += length;
                return;
            }
            // serde_json has no other name for half of a surrogate pair.
            Some(Err(error)) => (error.is_eof(), error.to_string().contains("hex escape")),
            None => (false, false),
        };
        if is_half && bytes.mend_value() {
            continue;
        }
        if !is_short {
            break Wrong::NotJson;
        }
        if bytes.rest().len() > LARGEST {
            break Wrong::TooLarge;
        }
        if !bytes.fill() {
            break Wrong::CutOff;
        }
    };
    if !(wrong == Wrong::CutOff && bytes.error.is_some()) {
        take(Piece::Damage(at, wrong));
    }
    bytes.skip_to(place, Some(Depth::default()));
}

/// Finds the end of a value by its brackets, over any number of chunks.
#[derive(Default)]
struct Depth {
    open: u64,
    in_string: bool,
    escaped: bool,
}

impl Depth {
    /// The number of bytes up to the end of the value, if it is among these.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => continue,
                b'{' | b'[' => self.open += 1,
                b'}' | b']' if self.open > 0 => self.open -= 1,
                // A bare word ends before what follows it.
                b'}' | b']' | b',' if self.open == 0 => return Some(at),
                _ => continue,
            }
            if self.open == 0 && !self.in_string && !self.escaped {
                return Some(at + 1);
            }
        }
        None
    }
}

/// A window over what is read.
struct Bytes<R> {
    from: R,
    buffer: Vec<u8>,
    /// What stands before it in the buffer is done.
    at: usize,
    /// Where the buffer begins in the file.
    base: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<R: Read> Bytes<R> {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Reads more behind what is there; whether there was any.
    fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        // What has grown for one large record need not stay so.
        if self.buffer.len() < CHUNK {
            self.buffer.shrink_to(4 * CHUNK);
        }
        // A large record is read again from its beginning each time: twice as much is added, so that this adds up to little.
        let more = self.buffer.len().max(CHUNK) as u64;
        let before = self.buffer.len();
        match self.from.by_ref().take(more).read_to_end(&mut self.buffer) {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) => {
                self.ended = true;
                self.error = Some(error);
            }
        }
        self.buffer.len() > before
    }

    /// Enough for a line feed, an indentation and a name.
    fn look_ahead(&mut self) {
        while self.rest().len() < 256 && self.fill() {}
    }

    fn starts_with(&mut self, prefix: &[u8]) -> bool {
        while self.rest().len() < prefix.len() && self.fill() {}
        self.rest().starts_with(prefix)
    }

    /// The next byte that is none of these; it is not consumed.
    fn next_of_any(&mut self, skip: &[u8]) -> Option<u8> {
        loop {
            if let Some(found) = self.rest().iter().position(|byte| !skip.contains(byte)) {
                self.at += found;
                return Some(self.buffer[self.at]);
            }
            self.at = self.buffer.len();
            if !self.fill() {
                return None;
            }
        }
    }

    /// Mends the value that begins here, if there is something to mend; see [`mend`].
    fn mend_value(&mut self) -> bool {
        loop {
            if let Some(end) = Depth::default().end(self.rest()) {
                return mend(&mut self.buffer[self.at..self.at + end]);
            }
            if self.rest().len() > LARGEST || !self.fill() {
                return false;
            }
        }
    }

    /// Leaves out one value, of any size.
    fn skip_value(&mut self) {
        let mut depth = Depth::default();
        loop {
            if let Some(end) = depth.end(self.rest()) {
                self.at += end;
                return;
            }
            self.at = self.buffer.len();
            if !self.fill() {
                return;
            }
        }
    }

    /// Goes to the end of the value, where `depth` counts that, or to what can only be the beginning of the next record, whichever comes first: where a
    /// quotation mark is missing, brackets tell nothing any more.
    fn skip_to(&mut self, place: Place, mut depth: Option<Depth>) {
        let begin: &[u8] = if place == Place::Top { b"\n{" } else { b"{\"eventVersion\"" };
        // The record itself begins so, too.
        let mut looked = usize::from(self.rest().starts_with(begin));
        let mut counted = 0;
        loop {
            let end = depth.as_mut().and_then(|depth| depth.end(&self.rest()[counted..])).map(|end| counted + end);
            let next = self.rest()[looked..].windows(begin.len()).position(|window| window == begin).map(|next| looked + next);
            if let Some(found) = [end, next].into_iter().flatten().min() {
                self.at += found;
                return;
            }
            // The beginning may stand on the edge.
            let kept = self.rest().len().min(begin.len());
            self.at = self.buffer.len() - kept;
            (looked, counted) = (0, kept);
            if !self.fill() {
                self.at = self.buffer.len();
                return;
            }
        }
    }
}
