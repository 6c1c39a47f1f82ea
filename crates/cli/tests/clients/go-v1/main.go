// GetCallerIdentity by the AWS SDK for Go v1 and its default chain, a JSON line each: once, or with TEST_CLIENT=running by one
// client for each line of stdin. It knows no AWS_ENDPOINT_URL_STS: TEST_STS names the endpoint.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	loaded, err := session.NewSession()
	if err != nil {
		show(map[string]any{"error": err.Error()})
		os.Exit(1)
	}
	client := sts.New(loaded, &aws.Config{Endpoint: aws.String(os.Getenv("TEST_STS"))})
	if os.Getenv("TEST_CLIENT") != "running" {
		ask(client)
		return
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ask(client)
	}
}

func ask(client *sts.STS) {
	line := map[string]any{"region": aws.StringValue(client.Config.Region)}
	defer show(line)
	answer, err := client.GetCallerIdentity(&sts.GetCallerIdentityInput{})
	if err != nil {
		line["error"] = err.Error()
		return
	}
	line["arn"], line["account"] = *answer.Arn, *answer.Account
	if expires, err := client.Config.Credentials.ExpiresAt(); err == nil && !expires.IsZero() {
		line["expires"] = expires.UTC().Format(time.RFC3339)
	}
}

func show(line map[string]any) {
	json.NewEncoder(os.Stdout).Encode(line)
}
