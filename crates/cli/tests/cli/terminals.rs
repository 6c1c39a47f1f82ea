//! Several terminals, each with an interactive shell that follows a stack.

use std::path::{Path, PathBuf};

use crate::{
    common::{ALICE_KEY, TestEnvironment, programs, terminal::Terminal},
    nushell,
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

/// Another shell than bash in a terminal, that follows.
fn open<'a>(env: &'a TestEnvironment, shell: &str, options: &str) -> Terminal<'a> {
    let credstack = programs::credstack().display().to_string();
    let (program, argument, begin) = match shell {
        "zsh" => (PathBuf::from("zsh"), "-f", format!("eval \"$({credstack} init zsh {options})\"")),
        "fish" => (PathBuf::from("fish"), "--no-config", format!("{credstack} init fish {options} | source")),
        _ => {
            let file = env.scratch(&format!("credstack{options}.nu"));
            env.write(&file, &env.plain(["init", "nushell"].into_iter().chain(options.split_whitespace())).ok().stdout);
            (nushell::program(), "--no-config-file", format!("source {}", file.display()))
        }
    };
    let mut terminal = Terminal::program(env, Path::new(&program), &[argument]);
    does(&mut terminal, &begin, "none", "at the start");
    terminal
}

/// Runs a command in a terminal, and looks at what the shell has then. What is typed is shown too, and is not what it prints.
/// One line at a time: a line editor may drop what is typed ahead.
#[track_caller]
fn does(terminal: &mut Terminal<'_>, command: &str, profile: &str, when: &str) {
    let mark = when.replace(' ', "-");
    terminal.enter_line(&format!("{command}; sh -c 'echo ={mark}=${{AWS_PROFILE-none}}='"));
    terminal.expect(&format!("={mark}={profile}="));
}

#[track_caller]
fn sees(terminal: &mut Terminal<'_>, profile: &str, when: &str) {
    does(terminal, "sh -c true", profile, when);
}

#[test]
fn every_shell_follows_at_its_prompt_and_one_with_its_own_stack_does_not() {
    for shell in ["zsh", "fish", "nushell"] {
        let env = environment();
        env.plain(["setup", "profile", "--per-shell"]).ok();
        let [mut first, mut second] = [open(&env, shell, ""), open(&env, shell, "")];
        let mut alone = open(&env, shell, "--per-shell");
        does(&mut first, &format!("credstack -q push assume {DEVELOPER}"), "credstack", "at once");
        // Its prompt was there before the push.
        sees(&mut second, "none", "before its prompt");
        sees(&mut second, "credstack", "at its next prompt");
        sees(&mut alone, "none", "alone");
        sees(&mut alone, "none", "still alone");
        does(&mut alone, "credstack -q push session", "credstack-shell", "alone at once");
        does(&mut second, "credstack -q pop", "none", "popped");
        sees(&mut first, "credstack", "before the prompt");
        sees(&mut first, "none", "popped elsewhere");
        sees(&mut alone, "credstack-shell", "not popped");
        for mut terminal in [first, second, alone] {
            terminal.enter_line("exit");
            terminal.finish();
        }
    }
}
