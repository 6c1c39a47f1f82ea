use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use dbus::{Message, Path, arg::PropMap, blocking::Connection, channel::MatchingReceiver, channel::Sender, message::MatchRule};

/// In the place of the desktop's prompter: a person who presses Cancel whenever gnome-keyring asks for a password.
pub struct Canceller {
    asked: Arc<AtomicUsize>,
}

const CALLBACK: &str = "org.gnome.keyring.internal.Prompter.Callback";

impl Canceller {
    pub fn start() -> Canceller {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        thread::spawn(move || serve(&counter));
        super::desktop::wait_for("org.gnome.keyring.SystemPrompter", true);
        Canceller { asked }
    }

    /// How many times a person would have seen a prompt.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(asked: &Arc<AtomicUsize>) {
    let session = Connection::new_session().unwrap();
    session.request_name("org.gnome.keyring.SystemPrompter", false, true, false).unwrap();
    let asked = asked.clone();
    session.start_receive(
        MatchRule::new_method_call(),
        Box::new(move |call, session| {
            let caller = call.sender().unwrap().into_static();
            let callback: Path<'_> = call.read1().unwrap();
            let say = |method: &str| Message::new_method_call(&caller, &callback, CALLBACK, method).unwrap();
            let ready = |reply: &str| say("PromptReady").append3(reply, PropMap::new(), "");
            session.send(call.method_return()).unwrap();
            let answer = match &*call.member().unwrap() {
                "BeginPrompting" => ready(""),
                "PerformPrompt" => {
                    asked.fetch_add(1, Ordering::SeqCst);
                    ready("no")
                }
                _ => say("PromptDone"),
            };
            session.send(answer).unwrap();
            true
        }),
    );
    loop {
        session.process(Duration::from_secs(60)).unwrap();
    }
}
