use std::collections::BTreeSet;

use super::Call;
use crate::{
    caller::Tags,
    limits::{Limits, TAG},
    policy::Context,
    wire::Refusal,
};

/// Checks the form of `Tags` and `TransitiveTagKeys`.
pub fn check(call: &Call<'_>, limits: &mut Limits) {
    let tags = call.parameters.structures("Tags", ["Key", "Value"]);
    limits.count("tags", tags.len(), 50);
    for (i, [key, value]) in tags.into_iter().enumerate() {
        limits.required(&format!("tags.{}.member.key", i + 1), key, 1..=128, TAG);
        limits.required(&format!("tags.{}.member.value", i + 1), value, 0..=256, TAG);
    }
    let transitive = call.parameters.texts("TransitiveTagKeys");
    limits.count("transitiveTagKeys", transitive.len(), 50);
    for (i, key) in transitive.into_iter().enumerate() {
        limits.optional(&format!("transitiveTagKeys.{}.member", i + 1), Some(key), 1..=128, TAG);
    }
}

/// The tags of the new session: what was passed, and what the caller's session hands on.
///
/// # Errors
/// If a key is reserved, there twice, or inherited, or a transitive key is not among the tags.
pub fn read(call: &Call<'_>) -> Result<Tags, Refusal> {
    let mut tags = call.caller.session.as_ref().map(|session| session.tags.inherited()).unwrap_or_default();
    let mut passed = BTreeSet::new();
    for [key, value] in call.parameters.structures("Tags", ["Key", "Value"]) {
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        let folded = key.to_lowercase();
        if folded.starts_with("aws:") {
            return Err(Refusal::validation(format!("Tag key {key} must not begin with the reserved prefix aws:.")));
        }
        if tags.transitive.contains(&folded) {
            return Err(Refusal::new(
                400,
                "InvalidParameterValue",
                "One of the specified tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
            ));
        }
        if !passed.insert(folded) {
            return Err(Refusal::new(
                400,
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.all.insert(key.to_owned(), value.to_owned());
    }
    for key in call.parameters.texts("TransitiveTagKeys") {
        let folded = key.to_lowercase();
        if tags.transitive.contains(&folded) && !passed.contains(&folded) {
            return Err(Refusal::new(
                400,
                "InvalidParameterValue",
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session.",
            ));
        }
        if !passed.contains(&folded) {
            return Err(Refusal::validation("The specified transitive tag key must be included in the requested tags."));
        }
        tags.transitive.insert(folded);
    }
    Ok(tags)
}

/// Adds the condition keys of the passed tags.
pub fn describe(call: &Call<'_>, context: &mut Context) {
    let tags = call.parameters.structures("Tags", ["Key", "Value"]);
    for [key, value] in &tags {
        context.set(&format!("aws:RequestTag/{}", key.unwrap_or_default()), value.unwrap_or_default());
    }
    context.set_all("aws:TagKeys", tags.iter().filter_map(|[key, _]| key.map(str::to_owned)).collect());
    let transitive = call.parameters.texts("TransitiveTagKeys");
    context.set_all("sts:TransitiveTagKeys", transitive.into_iter().map(str::to_owned).collect());
}
