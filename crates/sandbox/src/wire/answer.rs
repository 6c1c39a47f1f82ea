use quick_xml::escape::escape;
use serde::Serialize;

use super::Refusal;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The document of a successful answer: `<ActionResponse><ActionResult>…`.
///
/// # Errors
/// `InternalFailure` if the result cannot be written as XML.
pub fn result_document(action: &str, result: &impl Serialize, request_id: &str) -> Result<String, Refusal> {
    let result = quick_xml::se::to_string_with_root(&format!("{action}Result"), result).map_err(|_| Refusal::internal())?;
    Ok(format!(
        "<{action}Response xmlns=\"{NAMESPACE}\">\n  {result}\n  <ResponseMetadata>\n    \
         <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n"
    ))
}

/// The document of an error.
pub fn error_document(refusal: &Refusal, request_id: &str) -> String {
    let kind = if refusal.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>{kind}</Type>\n    <Code>{}</Code>\n    \
         <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
        refusal.code,
        escape(refusal.message.as_str()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_sts_s_form_and_are_escaped() {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Result {
            #[serde(skip_serializing_if = "Option::is_none")]
            source_identity: Option<&'static str>,
            arn: &'static str,
        }
        let text = result_document("GetCallerIdentity", &Result { source_identity: None, arn: "a<&b" }, "id-1").unwrap();
        assert!(text.starts_with("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"), "{text}");
        assert!(text.contains("<Arn>a&lt;&amp;b</Arn>"), "{text}");
        assert!(text.contains("<RequestId>id-1</RequestId>"), "{text}");
        assert!(error_document(&Refusal::denied("<x>"), "i").contains("<Message>&lt;x&gt;</Message>"));
        assert!(error_document(&Refusal::internal(), "i").contains("<Type>Receiver</Type>"));
    }
}
