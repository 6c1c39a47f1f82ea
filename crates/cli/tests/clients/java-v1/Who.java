import com.amazonaws.auth.DefaultAWSCredentialsProviderChain;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.regions.DefaultAwsRegionProviderChain;
import com.amazonaws.services.securitytoken.AWSSecurityTokenService;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityResult;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/**
 * GetCallerIdentity by the AWS SDK for Java v1 and its default chain, a JSON line each: once, or with TEST_CLIENT=running by
 * one client for each line of stdin. It knows no AWS_ENDPOINT_URL_STS: TEST_STS names the endpoint.
 */
public final class Who {
    public static void main(String[] arguments) throws Exception {
        AWSSecurityTokenService client;
        String region = null;
        try {
            region = new DefaultAwsRegionProviderChain().getRegion();
            client = AWSSecurityTokenServiceClientBuilder.standard()
                    .withCredentials(new DefaultAWSCredentialsProviderChain())
                    .withEndpointConfiguration(new EndpointConfiguration(System.getenv("TEST_STS"), region))
                    .build();
        } catch (RuntimeException error) {
            show("region", region, "error", error.getMessage());
            return;
        }
        if (!"running".equals(System.getenv("TEST_CLIENT"))) {
            ask(client, region);
            return;
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        while (lines.readLine() != null) {
            ask(client, region);
        }
    }

    private static void ask(AWSSecurityTokenService client, String region) {
        try {
            GetCallerIdentityResult answer = client.getCallerIdentity(new GetCallerIdentityRequest());
            show("arn", answer.getArn(), "account", answer.getAccount(), "region", region);
        } catch (RuntimeException error) {
            show("region", region, "error", error.getMessage());
        }
    }

    private static void show(String... fields) {
        StringBuilder line = new StringBuilder("{");
        for (int at = 0; at < fields.length; at += 2) {
            if (fields[at + 1] != null) {
                line.append(line.length() == 1 ? "" : ",").append(quoted(fields[at])).append(':').append(quoted(fields[at + 1]));
            }
        }
        System.out.println(line.append('}'));
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            quoted.append(one < ' ' ? " " : one == '"' || one == '\\' ? "\\" + one : String.valueOf(one));
        }
        return quoted.append('"').toString();
    }
}
