//! The configuration file that a program gets in the place of the user's two.

use super::{
    Texts, Trouble,
    grammar::{Entry, is_secret},
    view::{Both, Decides, Profile, is_of_another_way, is_of_credentials, is_of_role},
};

/// What is rendered.
pub struct Rendering<'a> {
    /// The user's files.
    pub texts: Texts<'a>,
    /// What the first lines say, without their `#`.
    pub about: &'a [String],
    /// The profile whose settings the default profile has.
    pub settings_of: &'a str,
    /// The profile whose `endpoint_url` and `services` it has: the one that the frame came from. Another profile's endpoint
    /// must not get the frame's token.
    pub endpoint_of: &'a str,
    /// The region, where it is not that of the settings.
    pub region: Option<&'a str>,
    /// The profile that AWS_PROFILE is to name.
    pub handed: Option<Handed<'a>>,
    /// The command that gives the static keys of a profile.
    pub stand_in: &'a dyn Fn(&str) -> String,
}

/// A profile for AWS_PROFILE to name: it has the settings of the default profile.
#[derive(Clone, Copy, Debug)]
pub struct Handed<'a> {
    /// Its name.
    pub name: &'a str,
    /// The command that gives its credentials; `None`: it has none, so that a client asks the endpoint.
    pub command: Option<&'a str>,
}

/// The configuration: the user's, line by line, without comments and secrets. Named profiles give what they give outside;
/// static keys come from a command of ours instead.
///
/// # Errors
///
/// [`Trouble`], where the AWS CLI would read neither file.
pub fn render(rendering: &Rendering<'_>) -> Result<String, Trouble> {
    let both = Both::read(rendering.texts)?;
    let mut names: Vec<String> = both.config.iter().filter_map(|section| section.profile()).collect();
    names.extend(both.credentials.iter().map(|section| section.header.clone()));
    let mut page = Page { rendering, both: &both, names, sources: Vec::new(), lines: Vec::new() };
    page.about();
    let settings = page.settings();
    page.handed(&settings);
    let is_handed = |name: &str| rendering.handed.is_some_and(|handed| handed.name == name);
    for section in &both.config {
        match section.profile() {
            Some(name) if name == "default" || is_handed(&name) => {}
            Some(name) => page.named(&format!("[{}]", section.header), &name),
            None => {
                let entries: Vec<_> = section.entries.iter().filter(|entry| !is_secret(&entry.key)).cloned().collect();
                page.section(&format!("[{}]", section.header), &entries);
            }
        }
    }
    let is_in_config = |name: &str| both.config.iter().any(|section| section.profile().as_deref() == Some(name));
    for section in &both.credentials {
        let name = &section.header;
        if name != "default" && !is_handed(name) && !is_in_config(name) {
            page.named(&format!("[{}]", profile_header(name)), name);
        }
    }
    let mut done = 0;
    while let Some((source, name)) = page.sources.get(done).cloned() {
        page.source(&source, &name);
        done += 1;
    }
    Ok(page.lines.concat())
}

/// The same where the user's files can't be read: a region, and no profiles but the one that is handed out.
pub fn without_profiles(rendering: &Rendering<'_>) -> String {
    let both = Both { config: Vec::new(), credentials: Vec::new() };
    let mut page = Page { rendering, both: &both, names: Vec::new(), sources: Vec::new(), lines: Vec::new() };
    page.about();
    let settings = page.settings();
    page.handed(&settings);
    page.lines.concat()
}

struct Page<'a> {
    rendering: &'a Rendering<'a>,
    both: &'a Both,
    /// The names of all profiles.
    names: Vec<String>,
    /// The profiles that sign for roles and are another here: their names, and those of the sections in their place.
    sources: Vec<(String, String)>,
    lines: Vec<String>,
}

impl Page<'_> {
    fn about(&mut self) {
        self.lines.extend(self.rendering.about.iter().map(|line| format!("# {line}\n")));
    }

    fn section(&mut self, header: &str, entries: &[Entry]) {
        self.lines.push(format!("{header}\n"));
        let lines = entries.iter().flat_map(Entry::shown).map(|line| format!("{line}\n"));
        self.lines.extend(lines);
    }

    /// What the default profile has: settings, and nothing that gives credentials.
    fn settings(&mut self) -> Vec<Entry> {
        const ENDPOINT: [&str; 2] = ["endpoint_url", "services"];
        let of = |name: &str| self.both.profile(name).map(|profile| profile.entries().cloned().collect::<Vec<_>>());
        let mut settings = of(self.rendering.settings_of).unwrap_or_default();
        settings.retain(|entry| !is_of_credentials(&entry.key) && !ENDPOINT.contains(&entry.key.as_str()));
        let endpoint = of(self.rendering.endpoint_of).unwrap_or_default();
        settings.extend(endpoint.into_iter().filter(|entry| ENDPOINT.contains(&entry.key.as_str())));
        if let Some(region) = self.rendering.region {
            settings.retain(|entry| entry.key != "region");
            settings.push(Entry::new("region", region));
        }
        settings.iter_mut().for_each(flush_left);
        self.section("[default]", &settings);
        settings
    }

    fn handed(&mut self, settings: &[Entry]) {
        let Some(Handed { name, command }) = self.rendering.handed else { return };
        let process = command.map(|command| Entry::new("credential_process", command));
        let entries: Vec<_> = settings.iter().cloned().chain(process).collect();
        self.section(&format!("[{}]", profile_header(name)), &entries);
    }

    /// A profile of the user's.
    fn named(&mut self, header: &str, name: &str) {
        let Some(profile) = self.both.profile(name) else { return };
        let entries = self.entries(&profile, name, false);
        self.section(header, &entries);
    }

    /// The section in the place of a profile that signs for a role.
    fn source(&mut self, original: &str, name: &str) {
        let Some(profile) = self.both.profile(original) else { return };
        // A source's own keys win over its role, as in the AWS CLI; without keys its role is assumed in turn.
        let entries = self.entries(&profile, original, profile.has_keys());
        self.section(&format!("[{}]", profile_header(name)), &entries);
    }

    fn entries(&mut self, profile: &Profile<'_>, name: &str, as_source: bool) -> Vec<Entry> {
        let has_keys = profile.has_keys();
        let keys_decide = has_keys && profile.decides(as_source) == Decides::Keys;
        let mut entries = Vec::new();
        for entry in profile.entries() {
            let key = entry.key.as_str();
            if is_secret(key) || as_source && is_of_role(key) || keys_decide && is_of_another_way(key) {
                continue;
            }
            let mut entry = match key {
                "source_profile" => self.source_of(entry),
                _ => entry.clone(),
            };
            flush_left(&mut entry);
            entries.push(entry);
        }
        if keys_decide {
            entries.push(Entry::new("credential_process", &(self.rendering.stand_in)(name)));
        }
        entries
    }

    /// A `source_profile`: as it is, or what stands for it.
    fn source_of(&mut self, entry: &Entry) -> Entry {
        let source = entry.value.as_str();
        let is_another = source == "default" || self.rendering.handed.is_some_and(|handed| handed.name == source);
        match self.both.profile(source) {
            Some(profile) if is_another || profile.has_keys() => Entry::new("source_profile", &self.name_of_source(source)),
            _ => entry.clone(),
        }
    }

    fn name_of_source(&mut self, source: &str) -> String {
        if let Some((_, name)) = self.sources.iter().find(|(original, _)| original == source) {
            return name.clone();
        }
        let mut number = self.sources.len() + 1;
        let name = loop {
            let name = format!("credstack-source-{number}");
            if !self.names.contains(&name) {
                break name;
            }
            number += 1;
        };
        self.names.push(name.clone());
        self.sources.push((source.to_owned(), name.clone()));
        name
    }
}

/// A first line without indentation: two files' lines under one header would else go on with each other.
fn flush_left(entry: &mut Entry) {
    if let Some(first) = entry.lines.first_mut() {
        *first = first.trim_start().to_owned();
    }
}

/// A profile's name in a header, quoted where the AWS CLI quotes it.
fn profile_header(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.+=,@/:%".contains(c);
    match name {
        name if !name.is_empty() && name.chars().all(plain) => format!("profile {name}"),
        name if !name.contains(['"', '\\']) => format!("profile \"{name}\""),
        name => format!("profile {}", shell_words::quote(name)),
    }
}

#[cfg(test)]
pub(super) fn header_of(name: &str) -> String {
    profile_header(name)
}
