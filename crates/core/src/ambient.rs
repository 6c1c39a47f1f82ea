//! The edge to whatever identity the AWS SDK's default chain finds without credstack.
