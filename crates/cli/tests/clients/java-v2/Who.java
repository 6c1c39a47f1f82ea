import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.GetCallerIdentityResponse;

/**
 * GetCallerIdentity by the AWS SDK for Java v2 and its default chain, a JSON line each: once, or with TEST_CLIENT=running by
 * one client for each line of stdin.
 */
public final class Who {
    public static void main(String[] arguments) throws Exception {
        DefaultCredentialsProvider given = DefaultCredentialsProvider.builder().build();
        StsClient client;
        try {
            client = StsClient.builder().credentialsProvider(given).build();
        } catch (RuntimeException error) {
            show("error", told(error));
            return;
        }
        if (!"running".equals(System.getenv("TEST_CLIENT"))) {
            ask(client, given);
            return;
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        while (lines.readLine() != null) {
            ask(client, given);
        }
    }

    private static void ask(StsClient client, DefaultCredentialsProvider given) {
        String region = client.serviceClientConfiguration().region().id();
        try {
            GetCallerIdentityResponse answer = client.getCallerIdentity();
            // The client's own cache: nothing is asked for anew.
            AwsCredentials keys = given.resolveCredentials();
            show("arn", answer.arn(), "account", answer.account(), "region", region,
                    "account_given", keys.accountId().orElse(null),
                    "expires", keys.expirationTime().map(Object::toString).orElse(null));
        } catch (RuntimeException error) {
            show("region", region, "error", told(error));
        }
    }

    private static String told(Throwable error) {
        List<String> words = new ArrayList<>();
        for (Throwable one = error; one != null; one = one.getCause()) {
            words.add(one.getMessage());
        }
        return String.join(": ", words);
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
