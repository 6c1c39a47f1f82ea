# The endpoint comes with `tofu init -backend-config`.
terraform {
  backend "s3" {
    bucket                      = "state"
    key                         = "who.tfstate"
    use_path_style              = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }
}
