//! The partitions of AWS, by the names of their regions: no identity of one is known in another.

const BY_PREFIX: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

/// The partition that a region is in.
/// <https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>
pub fn partition_of(region: &str) -> &'static str {
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Whether it is a partition whose regions are known.
pub fn is_partition(name: &str) -> bool {
    name == "aws" || BY_PREFIX.iter().any(|(_, partition)| *partition == name)
}
