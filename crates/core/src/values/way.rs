use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::partition_of;

/// How STS was reached for a credential set. Its renewal goes the same way: another server would get the token of what signs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The URL of a custom endpoint, without name and password; none for AWS's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region that the request was signed for.
    pub region: String,
    /// The PEM file of certificate authorities that were trusted instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<PathBuf>,
    /// Whether AWS's FIPS endpoint was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fips: bool,
    /// Whether AWS's dual-stack endpoint was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dual_stack: bool,
}

impl Way {
    /// Whether both reach the same service: the same custom URL, or AWS's own endpoints of one partition.
    pub fn is_same_service(&self, other: &Way) -> bool {
        match (&self.endpoint, &other.endpoint) {
            (None, None) => partition_of(&self.region) == partition_of(&other.region),
            (Some(one), Some(another)) => one.trim_end_matches('/') == another.trim_end_matches('/'),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(endpoint: Option<&str>, region: &str) -> Way {
        Way { endpoint: endpoint.map(str::to_owned), region: region.to_owned(), ..Way::default() }
    }

    #[test]
    fn endpoints_of_aws_in_one_partition_are_one_service_and_each_custom_url_is_another() {
        let (a, b) = (Some("http://127.0.0.1:1"), Some("http://127.0.0.1:2"));
        for (one, another, same) in [
            (way(None, "eu-west-1"), way(None, "us-east-1"), true),
            (way(None, "us-east-1"), way(None, "us-gov-west-1"), false),
            (way(None, "cn-north-1"), way(None, "cn-northwest-1"), true),
            (way(None, "eu-west-1"), Way { fips: true, ..way(None, "us-east-1") }, true),
            (way(a, "eu-west-1"), way(None, "eu-west-1"), false),
            (way(a, "eu-west-1"), way(b, "eu-west-1"), false),
            (way(a, "eu-west-1"), way(a, "us-gov-west-1"), true),
            (way(a, "eu-west-1"), way(Some("http://127.0.0.1:1/"), "eu-west-1"), true),
        ] {
            assert_eq!((one.is_same_service(&another), another.is_same_service(&one)), (same, same), "{one:?} {another:?}");
        }
    }

    #[test]
    fn what_is_recorded_is_short_and_an_earlier_record_is_read() {
        let plain = serde_json::to_string(&way(None, "eu-west-1")).unwrap();
        assert_eq!(plain, r#"{"region":"eu-west-1"}"#);
        assert_eq!(serde_json::from_str::<Way>(&plain).unwrap(), way(None, "eu-west-1"));
    }
}
