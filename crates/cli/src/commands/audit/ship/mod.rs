mod patience;

use std::{path::PathBuf, time::Duration};

use credstack_core::{
    audit::ship::{AddressError, Destination, Otlp, Syslog},
    database::EventFilter,
    stack::{self, Cursor, Reader, Standing},
};
use jiff::Timestamp;
use patience::Patience;
use serde_json::json;

use super::exported::Exported;
use crate::{
    commands::{history::Unreadable, push::inputs},
    context::Context,
    failure::{Failure, Kind},
};

/// Send what is new in the log to another machine
///
/// Each event at least once, oldest first, with an id that is the same whenever it is sent. How much
/// a destination has is kept in the database and moves only once it took the events, so the next run
/// goes on where this one stopped, whatever stopped it. Each event is sent as OCSF, as `audit export`
/// writes it.
///
/// Whoever is to get it is named by an address without secrets; a token for OTLP is given by
/// OTEL_EXPORTER_OTLP_HEADERS. With --otlp alone the address is OTEL_EXPORTER_OTLP_ENDPOINT's.
///
/// Examples:
///   credstack audit ship --syslog tls://logs.example.com
///   credstack audit ship --syslog tcp://127.0.0.1:514
///   credstack audit ship --otlp https://collector.example.com:4318 --ca-file ca.pem
///   credstack audit ship --otlp
#[allow(rustdoc::bare_urls, reason = "the help shows a command as it is typed")]
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group = clap::ArgGroup::new("destination").required(true).args(["syslog", "otlp"]))]
pub struct Ship {
    /// A syslog server (RFC 5424): tls://HOST or tls://HOST:PORT (6514 if none is given), or tcp://HOST:PORT without encryption
    #[arg(long, value_name = "ADDR")]
    syslog: Option<String>,
    /// A receiver of OpenTelemetry logs over HTTP: https://HOST:4318; /v1/logs is added
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    otlp: Option<String>,
    /// Trust these certificate authorities, PEM, and not the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How long to try again while nothing is taken: seconds, or 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = inputs::duration)]
    timeout: i32,
    /// Send the whole log, whatever was sent before
    #[arg(long)]
    from_start: bool,
    /// Go on past events that the receiver rejects (OTLP): they are not sent again
    #[arg(long)]
    past_rejected: bool,
}

/// How many events are sent and acknowledged together.
const BATCH: u64 = 512;

impl Ship {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let (destination, ca_file) = self.destination(context)?;
        let name = destination.name();
        if let Some(path) = &ca_file
            && let Err(error) = std::fs::read(path)
        {
            return Err(Failure::usage(format!("--ca-file {} cannot be read: {error}", path.display()))
                .next_step("name a file with certificates in PEM; nothing was sent"));
        }
        let reader = context.reader()?;
        if reader.head()?.count == 0 {
            if context.output.json() {
                return context.output.print_json(&json!({
                    "destination": name, "format": destination.format(), "events": 0, "first": null, "through": null,
                }));
            }
            context.output.say("the log is empty: there is nothing to send");
            return Ok(());
        }
        if self.from_start {
            stack::forget_cursor(&context.place, &name)?;
        }
        let mut shipped = Exported::default();
        let timeout = Duration::from_secs(u64::try_from(self.timeout).unwrap_or_default().max(1));
        let patience = Patience { context, timeout, ca_file, is_past_rejected: self.past_rejected };
        let done =
            cursor(&reader, &name).and_then(|cursor| ship(context, &reader, &destination, cursor, &patience, &mut shipped));
        // An event about that alone would make the next run send it and write another one, for ever.
        if shipped.is_news {
            shipped.record(context, destination.format(), &name);
        }
        done?;
        if context.output.json() {
            return context.output.print_json(&json!({
                "destination": name, "format": destination.format(),
                "events": shipped.count, "first": shipped.first, "through": shipped.through,
            }));
        }
        context.output.say(&match shipped.count {
            0 => format!("{name} has the whole log"),
            1 => format!("1 event sent to {name}"),
            count => format!("{count} events sent to {name}"),
        });
        Ok(())
    }

    /// Where to, and whom to trust there.
    fn destination(&self, context: &Context) -> Result<(Destination, Option<PathBuf>), Failure> {
        let usage = |option: &'static str| {
            move |error: AddressError| Failure::usage(format!("{option}: {error}")).next_step(error.next_step)
        };
        if let Some(address) = &self.syslog {
            let syslog = Syslog::new(address).map_err(usage("--syslog"))?;
            return Ok((Destination::Syslog(syslog), self.ca_file.clone()));
        }
        // What is said of logs goes before what is said of everything, as OpenTelemetry has it.
        let variable = |name: &str| {
            let [of_logs, of_all] = ["OTEL_EXPORTER_OTLP_LOGS_", "OTEL_EXPORTER_OTLP_"].map(|it| format!("{it}{name}"));
            let of_logs = context.variable(&of_logs);
            let is_of_logs = of_logs.is_some();
            Some((of_logs.or_else(|| context.variable(&of_all))?, is_of_logs))
        };
        let (url, is_whole) = match self.otlp.as_deref() {
            Some(url) if !url.is_empty() => (url.to_owned(), false),
            _ => variable("ENDPOINT").ok_or_else(|| {
                Failure::usage("--otlp names no receiver").next_step("give its URL, or set OTEL_EXPORTER_OTLP_ENDPOINT")
            })?,
        };
        let mut otlp = Otlp::new(&url, is_whole, &context.host(), env!("CARGO_PKG_VERSION")).map_err(usage("--otlp"))?;
        if let Some((headers, _)) = variable("HEADERS") {
            otlp = otlp.with_headers(&headers).map_err(usage("OTEL_EXPORTER_OTLP_HEADERS"))?;
        }
        if otlp.is_in_clear() {
            context.output.warn("the headers go over the network without encryption: use https://");
        }
        let ca_file = self.ca_file.clone().or_else(|| variable("CERTIFICATE").map(|(path, _)| path.into()));
        Ok((Destination::Otlp(otlp), ca_file))
    }
}

/// Where to go on.
fn cursor(reader: &Reader, name: &str) -> Result<Option<Cursor>, Failure> {
    let Some(cursor) = reader.cursor(name)? else { return Ok(None) };
    let at = cursor.sequence;
    match reader.standing(&cursor)? {
        Standing::Whole => Ok(Some(cursor)),
        Standing::Pruned(oldest) => {
            Err(Failure::new(Kind::Log, format!("events {} to {} were pruned before {name} had them", at + 1, oldest - 1))
                .next_step("give --from-start to send what is left of the log"))
        }
        Standing::Replaced => {
            let what = format!("the log is not the one of which {name} has the first {at} events: it was replaced, or cut off");
            Err(Failure::new(Kind::Log, what)
                .next_step("`credstack audit verify` looks at it; --from-start sends the one that is there from its beginning"))
        }
    }
}

fn ship(
    context: &Context,
    reader: &Reader,
    destination: &Destination,
    cursor: Option<Cursor>,
    patience: &Patience<'_>,
    shipped: &mut Exported,
) -> Result<(), Failure> {
    let name = destination.name();
    let after = cursor.map(|cursor| (Timestamp::UNIX_EPOCH, cursor.sequence));
    let mut filter = EventFilter { oldest_first: true, after, ..EventFilter::default() };
    let mut unreadable = Unreadable::default();
    loop {
        let events = reader.events(&filter, BATCH)?;
        let Some(last) = events.last() else {
            unreadable.warn(context);
            return Ok(());
        };
        unreadable.look(&events);
        patience.send(destination, &events)?;
        stack::advance(&context.place, &name, &Cursor::at(last))?;
        context.output.explain(&format!("{name} has the events up to {}", last.sequence));
        events.iter().for_each(|event| shipped.add(event));
        filter = filter.behind(last);
    }
}
