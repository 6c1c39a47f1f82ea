//! Several terminals, each with an interactive shell that follows a stack.

use crate::{
    common::{ALICE_KEY, TestEnvironment, programs, terminal::Terminal},
    shells::{DEVELOPER, environment},
};

/// A person at one terminal.
struct Person<'a> {
    terminal: Terminal<'a>,
    asked: usize,
}

impl<'a> Person<'a> {
    fn sits_down(env: &'a TestEnvironment, stack: Option<&str>) -> Person<'a> {
        let start_up = env.scratch("bashrc");
        // As people's start-up files have it.
        env.write(
            &start_up,
            &format!("PS1='ready> ' PROMPT_COMMAND='true; '\neval \"$('{}' init bash)\"\n", programs::credstack().display()),
        );
        let mut terminal = Terminal::bash(env, &start_up, stack.map(|stack| ("CREDSTACK_STACK", stack)));
        terminal.expect("ready> ");
        Person { terminal, asked: 0 }
    }

    /// Presses enter, which brings the next prompt.
    fn presses_enter(&mut self) {
        self.terminal.type_line("");
    }

    /// Runs a command to its end.
    #[track_caller]
    fn types(&mut self, line: &str) {
        self.asked += 1;
        self.terminal.type_line(line).type_line(&format!("echo done-$(({}))-with-it", self.asked));
        self.terminal.expect(&format!("done-{}-with-it", self.asked));
    }

    /// Who the programs of this shell are, by its environment.
    #[track_caller]
    fn is(&mut self, who: &str) {
        self.asked += 1;
        self.terminal.type_line(&format!(
            "echo who-$(({})) is $(sh -c 'echo ${{AWS_PROFILE-none}} ${{AWS_ACCESS_KEY_ID-none}}').",
            self.asked
        ));
        self.terminal.expect(&format!("who-{} is {who}.", self.asked));
    }

    fn leaves(self) {
        let (status, shown) = self.terminal.type_line_and_finish("exit 0");
        assert!(status.success(), "{shown}");
    }
}

#[test]
fn terminals_on_one_stack_follow_each_other_and_one_on_its_own_does_not() {
    let env = environment();
    env.plain(["--stack", "other", "setup", "profile", "--name", "other"]).ok();
    let own = format!("none {ALICE_KEY}");
    let mut a = Person::sits_down(&env, None);
    let mut b = Person::sits_down(&env, None);
    let mut c = Person::sits_down(&env, Some("other"));
    for person in [&mut a, &mut b, &mut c] {
        person.is(&own);
    }
    a.types(&format!("credstack -q push assume {DEVELOPER}"));
    a.is("credstack none");
    for person in [&mut b, &mut c] {
        person.presses_enter();
    }
    b.is("credstack none");
    c.is(&own);
    // The other way round, and on the stack of its own.
    c.types(&format!("credstack -q push assume {DEVELOPER}"));
    c.is("other none");
    b.types("credstack -q pop");
    b.is(&own);
    for person in [&mut a, &mut c] {
        person.presses_enter();
    }
    a.is(&own);
    c.is("other none");
    c.types("credstack -q pop");
    c.is(&own);
    for person in [a, b, c] {
        person.leaves();
    }
}
