//! Whose request is it? Key, session token, expiry, signature and region.

use jiff::Timestamp;

use crate::{
    caller::{Caller, Kind},
    sessions::Sessions,
    signature::{Claim, Received, same},
    wire::Refusal,
    world::World,
};

/// Finds and verifies the caller.
///
/// # Errors
/// `InvalidClientTokenId`, `ExpiredToken`, `SignatureDoesNotMatch` and the like.
pub fn authenticate(
    world: &World,
    sessions: &Sessions,
    claim: &Claim<'_>,
    request: Received<'_>,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    let invalid = |why: &str| {
        Refusal::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.").because(why)
    };
    let token = request.header("x-amz-security-token");
    let caller = if let Some((caller, secret)) = long_term(world, claim.access_key_id) {
        if token.is_some() {
            return Err(invalid("long-term keys came with a session token"));
        }
        claim.verify(request, secret, now)?;
        caller
    } else {
        let (issued, caller) = sessions.find(claim.access_key_id).ok_or_else(|| invalid("there is no such access key"))?;
        let token = token.ok_or_else(|| invalid("temporary keys came without their session token"))?;
        if !same(token.as_bytes(), issued.session_token.as_bytes()) {
            return Err(invalid("the session token belongs to other keys, or to none"));
        }
        // Before the signature, which a clock that has gone on far enough would refuse as well.
        if now >= issued.expiration {
            return Err(Refusal::new(403, "ExpiredToken", "The security token included in the request is expired"));
        }
        claim.verify(request, &issued.secret_access_key, now)?;
        caller.clone()
    };
    if world.disabled_regions.iter().any(|region| region == claim.region) {
        let message = format!(
            "STS is not activated in this region for account:{}. Your account administrator can activate STS in this region \
             using the IAM Console.",
            caller.account()
        );
        return Err(Refusal::new(403, "RegionDisabledException", message));
    }
    Ok(caller)
}

/// Whose an access key is, whether its session has ended or not.
pub fn owner(world: &World, sessions: &Sessions, access_key_id: &str) -> Option<Caller> {
    let temporary = || sessions.find(access_key_id).map(|(_, caller)| caller.clone());
    long_term(world, access_key_id).map(|(caller, _)| caller).or_else(temporary)
}

fn long_term<'w>(world: &'w World, access_key_id: &str) -> Option<(Caller, &'w str)> {
    let caller = |kind| Caller { kind, session: None };
    if let Some(user) = world.users.iter().find(|user| user.access_key_id == access_key_id) {
        return Some((caller(Kind::User { arn: user.arn.clone() }), &user.secret_access_key.0));
    }
    let root = |account: &'w crate::world::Account| {
        account.root.as_ref().filter(|keys| keys.access_key_id == access_key_id).map(|keys| (account, keys))
    };
    let (account, keys) = world.accounts.iter().find_map(root)?;
    Some((caller(Kind::Root { account: account.id.clone() }), &keys.secret_access_key))
}
