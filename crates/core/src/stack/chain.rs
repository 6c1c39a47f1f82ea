use serde_json::{Map, Value};

use super::{
    Change, Landing, Pushed, Shell, StackError,
    capture::Cover,
    record::{by, with_frames},
};
use crate::{
    database::{credentials, events},
    values::{Acquired, CredentialId, Frame, Item, Signer, StackName},
};

/// Credential sets that were acquired in one go, each signed by the one before it.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What led to the last one, the first one first. Who signed is looked at in the first link only.
    pub behind: Vec<Link>,
    /// What becomes current.
    pub last: Link,
    /// Whether what led to it becomes frames as well. Else it is only written down, so that the last one can be asked for again;
    /// its secrets are not kept.
    pub frames: bool,
}

/// One credential set of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// What STS gave.
    pub acquired: Acquired,
    /// Goes into the log, and holds nothing secret.
    pub detail: Map<String, Value>,
}

impl Change {
    /// Stores a chain and makes its last credential set current, all in one step. With [`Landing::Nowhere`] the last one is
    /// held, and the others are written down.
    ///
    /// If another process changed the stack meanwhile, it still lands on top of the stack as it now is.
    pub fn push_chain(
        &mut self,
        stack: &StackName,
        mut chain: Chain,
        landing: Landing,
        shell: &Shell,
    ) -> Result<Pushed, StackError> {
        if landing == Landing::Nowhere {
            if let Some(id) = self.record_unkept(&chain.behind)? {
                chain.last.acquired.signer = Signer::Credential(id);
            }
            return self.hold(chain.last.acquired, chain.last.detail);
        }
        let before = self.frames_or_new(stack)?;
        let cover = if landing == Landing::Top { self.cover(&before, shell)? } else { Cover::AsItIs };
        if landing == Landing::Replace {
            // The new frame has no id yet; any frame will do to see what goes.
            self.check_move(stack, &before, &before.replace(Frame::untouched()))?;
        }
        let shells_own = !matches!(cover, Cover::AsItIs);
        let (captured, base) = self.covered(&before, cover)?;
        let first = chain.behind.first_mut().unwrap_or(&mut chain.last);
        if let (Signer::ShellKeys, true, Some(id)) = (&first.acquired.signer, shells_own, base.current().credential()) {
            first.acquired.signer = Signer::Credential(id);
        }
        let (behind, last) = match self.arrive_all(chain) {
            Ok(ids) => ids,
            Err(error) => {
                captured.into_iter().for_each(|id| self.take_back(id));
                return Err(error);
            }
        };
        let mut entries = self.captured_entry(captured)?;
        let mut after = base;
        for (position, id) in behind.iter().chain([&last]).enumerate() {
            let frame = Frame::Credential(*id);
            after = if landing == Landing::Replace && position == 0 { after.replace(frame) } else { after.push(frame) };
            entries.push(with_frames(self.acquired_entry(*id)?, stack, &after));
        }
        let arrived: Vec<_> = captured.into_iter().chain(behind).chain([last]).collect();
        let moved = self.commit(stack, &before, Some(&after), &arrived, entries)?;
        Ok(Pushed { credential: self.credential(last)?, captured, moved: Some(moved) })
    }

    /// Writes down what STS gave for a chain, or for the beginning of one. No secret of it is kept: AWS goes on accepting them
    /// until they expire. The id of the last one.
    pub fn record_unkept(&mut self, links: &[Link]) -> Result<Option<CredentialId>, StackError> {
        let mut signer = None;
        for Link { acquired, detail } in links {
            let mut acquired = acquired.clone();
            acquired.signer = signer.map_or(acquired.signer, Signer::Credential);
            let id = self.announce(&acquired, detail)?;
            self.settle_announced(id)?;
            signer = Some(id);
        }
        Ok(signer)
    }

    /// Stores a chain, or nothing of it: the ids of those behind the last that are to become frames, and the last one's. What is
    /// stored is pending.
    fn arrive_all(&mut self, chain: Chain) -> Result<(Vec<CredentialId>, CredentialId), StackError> {
        let Chain { behind, mut last, frames } = chain;
        if !frames {
            if let Some(id) = self.record_unkept(&behind)? {
                last.acquired.signer = Signer::Credential(id);
            }
            return Ok((Vec::new(), self.arrive(&last.acquired, &last.detail)?));
        }
        let mut ids: Vec<CredentialId> = Vec::new();
        for mut link in behind {
            link.acquired.signer = ids.last().map_or(link.acquired.signer, |id| Signer::Credential(*id));
            match self.arrive(&link.acquired, &link.detail) {
                Ok(id) => ids.push(id),
                Err(error) => return Err(self.take_all_back(ids, error)),
            }
        }
        last.acquired.signer = ids.last().map_or(last.acquired.signer, |id| Signer::Credential(*id));
        match self.arrive(&last.acquired, &last.detail) {
            Ok(last) => Ok((ids, last)),
            Err(error) => Err(self.take_all_back(ids, error)),
        }
    }

    /// What was signed goes before what signed it.
    fn take_all_back(&mut self, ids: Vec<CredentialId>, error: StackError) -> StackError {
        ids.into_iter().rev().for_each(|id| self.take_back(id));
        error
    }

    /// Writes a credential set down whose secret is never stored.
    pub(super) fn announce(&mut self, acquired: &Acquired, detail: &Map<String, Value>) -> Result<CredentialId, StackError> {
        let item = Item::new(self.now)?;
        let id = self.database.write(|transaction| credentials::insert_pending(transaction, acquired, &item, detail))?;
        self.intents.settle(&acquired.set.access_key_id);
        Ok(id)
    }

    /// Says that it stays without its secret.
    fn settle_announced(&mut self, id: CredentialId) -> Result<(), StackError> {
        let (entry, now, actor) = (self.acquired_entry(id)?, self.now, self.actor_json());
        self.write(|transaction| {
            credentials::mark_leaving(transaction, id)?;
            credentials::mark_erased(transaction, id)?;
            events::append(transaction, now, &by(entry, &actor))
        })?;
        Ok(())
    }
}
