-- What a renewal and a hand-out need and no longer look up: where STS was asked, and which profile's settings go with it.
-- Rows of earlier versions have neither: for them the environment decides, as it did.

-- The profile of the AWS configuration that it was pushed from, by itself or as the signer.
ALTER TABLE credential ADD COLUMN profile TEXT;
-- JSON: the endpoint if it was not AWS's own, the region, the certificate authorities, FIPS and dual stack. No secret: a name and
-- password in the URL are left out.
ALTER TABLE credential ADD COLUMN way TEXT;
