// GetCallerIdentity by the AWS SDK for Go v2 and its default chain, a JSON line each: once, or with TEST_CLIENT=running by one
// client for each line of stdin.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	loaded, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		show(map[string]any{"error": err.Error()})
		os.Exit(1)
	}
	client := sts.NewFromConfig(loaded)
	if os.Getenv("TEST_CLIENT") != "running" {
		ask(loaded, client)
		return
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ask(loaded, client)
	}
}

func ask(loaded aws.Config, client *sts.Client) {
	line := map[string]any{"region": loaded.Region}
	defer show(line)
	answer, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		line["error"] = err.Error()
		return
	}
	line["arn"], line["account"] = *answer.Arn, *answer.Account
	// The client's own cache: nothing is asked for anew.
	if given, err := loaded.Credentials.Retrieve(context.Background()); err == nil {
		line["account_given"] = given.AccountID
		if given.CanExpire {
			line["expires"] = given.Expires.UTC().Format(time.RFC3339)
		}
	}
}

func show(line map[string]any) {
	json.NewEncoder(os.Stdout).Encode(line)
}
