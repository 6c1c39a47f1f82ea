//! What `scripts/bench-cloudtrail` compares with: `serde_json` over a whole file in memory that keeps nothing of it.
//! Prints the seconds that this takes, without those of reading the file.

use std::{error::Error, io::Write, time::Instant};

use serde::de::IgnoredAny;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("a file of JSON")?;
    let bytes = std::fs::read(path)?;
    let begun = Instant::now();
    for document in serde_json::Deserializer::from_slice(&bytes).into_iter::<IgnoredAny>() {
        document?;
    }
    Ok(writeln!(std::io::stdout(), "{}", begun.elapsed().as_secs_f64())?)
}
