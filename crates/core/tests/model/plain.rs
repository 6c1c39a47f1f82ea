//! A plain model of aws.iam's credentials: what is current, and the list of saved ones. It is written from the table
//! that documents the product, not from the program, and knows nothing of databases and secret stores: credential sets
//! are numbers, and a stack is a list of them, the current one first. Long because every step has its rules here, in one place.

use std::collections::{BTreeMap, BTreeSet};

/// A credential set, in the order in which they were made, from 1; or ambient.
pub type Number = i64;

/// Ambient of which nothing is recorded yet.
pub const UNTOUCHED: Number = 0;
/// Ambient of which a profile is recorded.
pub const REFERENCE: Number = -1;

/// The stack that is always there.
pub const DEFAULT: usize = 0;

/// What the environment of a shell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Nothing at all.
    Empty,
    /// The name of a profile.
    Profile,
    /// Keys of its own. Each shell has others.
    Keys(u8),
    /// The keys of a credential set, which may be gone.
    Exported(u8),
}

/// Where a new credential set goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Top,
    Current,
    NoStack,
}

/// What `use` is given.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// A credential set, by its place among all that were ever made; one further is one that never was.
    Set(u8),
    /// A position.
    Position(u8),
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Push { stack: usize, to: To, kind: Made, shell: Environment },
    Use { stack: usize, which: Which, replace: bool, shell: Environment },
    Save { stack: usize, shell: Environment },
    Pop { stack: usize, root: bool, keep: bool },
    Drop { stack: usize, all: bool },
    Swap { stack: usize, shell: Environment },
    Clear { stack: usize },
    Remove { stack: usize },
    Forget(u8),
    ForgetExpired,
    Renew(u8),
}

/// What a push makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A session that outlives the test.
    Session,
    /// A session that has expired two steps later.
    Brief,
    /// Keys from elsewhere, which nothing but the store can give back.
    Imported,
}

/// Why a step changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NothingSaved,
    NoSuchStack,
    NoSuchPosition,
    NoSuchSet,
    Erased,
    Expired,
    OnStack,
    Irreplaceable,
    WouldLose(BTreeSet<Number>),
}

/// What is known of a credential set.
#[derive(Clone, Debug)]
pub struct Set {
    pub key: String,
    pub irreplaceable: bool,
    pub expires_at: Option<u32>,
    pub alive: bool,
    pub held: bool,
    pub replaced_by: Option<Number>,
}

#[derive(Clone, Debug)]
pub struct Model {
    /// The current one first, then the saved ones, newest first.
    pub stacks: BTreeMap<usize, Vec<Number>>,
    /// Number 1 is the first.
    pub sets: Vec<Set>,
    /// Counts the steps.
    pub clock: u32,
}

impl Default for Model {
    fn default() -> Model {
        Model { stacks: BTreeMap::from([(DEFAULT, vec![UNTOUCHED])]), sets: Vec::new(), clock: 0 }
    }
}

impl Model {
    /// Takes one step, or says why not and changes nothing. `agreed`: whether irreplaceable sets may be lost.
    pub fn take(&mut self, step: Step, agreed: bool) -> Result<(), Refusal> {
        self.clock += 1;
        let mut next = self.clone();
        next.change(step)?;
        next.settle();
        let lost = next.numbers().filter(|n| self.is_alive(*n) && !next.is_alive(*n) && next.set(*n).irreplaceable);
        let lost: BTreeSet<_> = lost.collect();
        if !lost.is_empty() && !agreed {
            return Err(Refusal::WouldLose(lost));
        }
        *self = next;
        Ok(())
    }

    /// The numbers of all credential sets that were ever made.
    pub fn numbers(&self) -> impl Iterator<Item = Number> + use<> {
        1..=self.sets.len() as Number
    }

    pub fn set(&self, number: Number) -> &Set {
        &self.sets[number as usize - 1]
    }

    /// The numbers of those that are held.
    pub fn held(&self) -> Vec<Number> {
        self.numbers().filter(|n| self.set(*n).held).collect()
    }

    /// The number that a choice among all sets means.
    pub fn choose(&self, which: u8) -> Number {
        i64::from(which) % (self.sets.len() as Number + 1) + 1
    }

    /// The access key id in a shell, if it holds keys.
    pub fn key_in(&self, shell: Environment) -> Option<String> {
        match shell {
            Environment::Empty | Environment::Profile => None,
            Environment::Keys(number) => Some(format!("shell-{number}")),
            Environment::Exported(which) => {
                let number = self.choose(which);
                Some(self.sets.get(number as usize - 1).map_or("shell-9".into(), |set| set.key.clone()))
            }
        }
    }

    fn is_alive(&self, number: Number) -> bool {
        self.sets.get(number as usize - 1).is_some_and(|set| set.alive)
    }

    fn change(&mut self, step: Step) -> Result<(), Refusal> {
        match step {
            Step::Push { to: To::NoStack, kind, .. } => {
                let new = self.make(kind);
                self.sets[new as usize - 1].held = true;
            }
            Step::Push { stack, to, kind, shell } => {
                let mut list = self.list_or_new(stack);
                if to == To::Top {
                    self.cover(&mut list, shell);
                    list.insert(0, list[0]);
                }
                list[0] = self.make(kind);
                self.stacks.insert(stack, list);
            }
            Step::Use { stack, which, replace, shell } => {
                let mut list = self.list_or_new(stack);
                let mut frame = self.find(&list, which)?;
                if !replace {
                    self.cover(&mut list, shell);
                    if let Which::Position(position) = which {
                        frame = list[usize::from(position)];
                    }
                    list.insert(0, list[0]);
                }
                list[0] = frame;
                self.stacks.insert(stack, list);
            }
            Step::Save { stack, shell } => {
                let mut list = self.list_or_new(stack);
                self.cover(&mut list, shell);
                list.insert(0, list[0]);
                self.stacks.insert(stack, list);
            }
            Step::Pop { stack, root, keep } => {
                let mut list = self.list_with_saved(stack)?;
                let restored = if root { list[list.len() - 1] } else { list[1] };
                if !keep {
                    list.drain(..if root { list.len() - 1 } else { 1 });
                }
                list[0] = restored;
                self.stacks.insert(stack, list);
            }
            Step::Drop { stack, all } => {
                let mut list = self.list_with_saved(stack)?;
                list.drain(1..if all { list.len() } else { 2 });
                self.stacks.insert(stack, list);
            }
            Step::Swap { stack, shell } => {
                let mut list = self.list_with_saved(stack)?;
                self.cover(&mut list, shell);
                list.swap(0, 1);
                self.stacks.insert(stack, list);
            }
            Step::Clear { stack } => {
                self.list(stack)?;
                self.stacks.insert(stack, vec![UNTOUCHED]);
            }
            Step::Remove { stack } => {
                self.list(stack)?;
                self.stacks.remove(&stack);
                self.stacks.entry(DEFAULT).or_insert(vec![UNTOUCHED]);
            }
            Step::Forget(which) => {
                let number = self.choose(which);
                if number as usize > self.sets.len() {
                    return Err(Refusal::NoSuchSet);
                }
                let number = self.newest(number);
                let set = self.sets.get_mut(number as usize - 1).ok_or(Refusal::NoSuchSet)?;
                match (set.alive, set.held) {
                    (false, _) => return Err(Refusal::Erased),
                    (true, false) => return Err(Refusal::OnStack),
                    (true, true) => set.held = false,
                }
            }
            Step::ForgetExpired => {
                let clock = self.clock;
                self.sets.iter_mut().filter(|set| expired(set, clock)).for_each(|set| set.held = false);
            }
            // The new one is wherever the old one was; one that was nowhere signs once, and is not kept.
            Step::Renew(which) => {
                let old = self.choose(which);
                let Set { irreplaceable, alive, held, .. } = self.sets.get(old as usize - 1).ok_or(Refusal::NoSuchSet)?.clone();
                if irreplaceable {
                    return Err(Refusal::Irreplaceable);
                }
                let new = self.make(Made::Session);
                self.stacks.values_mut().flatten().filter(|number| **number == old).for_each(|number| *number = new);
                (self.sets[old as usize - 1].held, self.sets[old as usize - 1].replaced_by) = (false, Some(new));
                let set = &mut self.sets[new as usize - 1];
                (set.alive, set.held) = (alive, held);
            }
        }
        Ok(())
    }

    /// Keys in the environment are captured when ambient is first covered, for nothing else could give them back; of a
    /// profile only the name is recorded. Our own keys are what they were renewed to, or captured again where that was erased.
    fn cover(&mut self, list: &mut [Number], shell: Environment) {
        if list[0] != UNTOUCHED {
            return;
        }
        if shell == Environment::Profile {
            list[0] = REFERENCE;
        }
        let Some(key) = self.key_in(shell) else { return };
        let known: Vec<_> = self.numbers().filter(|n| self.set(*n).key == key).collect();
        let stored = known.iter().rev().find(|n| self.set(**n).irreplaceable && self.is_alive(**n));
        if let Some(number) = stored {
            list[0] = *number;
            return;
        }
        let ours = known.iter().rev().find(|n| !self.set(**n).irreplaceable).copied();
        list[0] = match ours.map(|number| self.newest(number)) {
            Some(newest) if self.is_alive(newest) => newest,
            _ => {
                let expires_at = ours.and_then(|number| self.set(number).expires_at);
                self.sets.push(Set { key, irreplaceable: true, expires_at, alive: true, held: false, replaced_by: None });
                self.sets.len() as Number
            }
        };
    }

    /// What a credential set was renewed to, or itself.
    fn newest(&self, number: Number) -> Number {
        self.set(number).replaced_by.map_or(number, |next| self.newest(next))
    }

    fn make(&mut self, kind: Made) -> Number {
        self.sets.push(Set {
            key: format!("set-{}", self.sets.len() + 1),
            irreplaceable: kind == Made::Imported,
            expires_at: (kind == Made::Brief).then_some(self.clock + 2),
            alive: true,
            held: false,
            replaced_by: None,
        });
        self.sets.len() as Number
    }

    fn find(&self, list: &[Number], which: Which) -> Result<Number, Refusal> {
        let number = match which {
            Which::Set(which) => self.choose(which),
            Which::Position(position) => *list.get(usize::from(position)).ok_or(Refusal::NoSuchPosition)?,
        };
        if number <= 0 {
            return Ok(number);
        }
        if number as usize > self.sets.len() {
            return Err(Refusal::NoSuchSet);
        }
        let number = self.newest(number);
        match self.sets.get(number as usize - 1) {
            None => Err(Refusal::NoSuchSet),
            Some(set) if !set.alive => Err(Refusal::Erased),
            Some(set) if expired(set, self.clock) => Err(Refusal::Expired),
            Some(_) => Ok(number),
        }
    }

    /// A secret goes when the last stack lets go of it; a held one stays until it is forgotten, and on a stack it is
    /// held no longer.
    fn settle(&mut self) {
        let on_stack: BTreeSet<_> = self.stacks.values().flatten().copied().collect();
        for (set, number) in self.sets.iter_mut().zip(1..) {
            set.held &= !on_stack.contains(&number);
            set.alive &= set.held || on_stack.contains(&number);
        }
    }

    fn list(&self, stack: usize) -> Result<Vec<Number>, Refusal> {
        self.stacks.get(&stack).cloned().ok_or(Refusal::NoSuchStack)
    }

    fn list_with_saved(&self, stack: usize) -> Result<Vec<Number>, Refusal> {
        let list = self.list(stack)?;
        if list.len() > 1 { Ok(list) } else { Err(Refusal::NothingSaved) }
    }

    fn list_or_new(&self, stack: usize) -> Vec<Number> {
        self.list(stack).unwrap_or(vec![UNTOUCHED])
    }
}

fn expired(set: &Set, clock: u32) -> bool {
    set.expires_at.is_some_and(|at| at <= clock)
}
