package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// settingNames are the environment variables that the commands read, by their tags.
func settingNames(t reflect.Type, into map[string]bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		for name := range strings.SplitSeq(field.Tag.Get("env"), ",") {
			into[name] = true
		}
		if field.Type.Kind() == reflect.Struct {
			settingNames(field.Type, into)
		}
	}
}

// TestDeploymentSettings: a setting that a file of ours for containers and services names is one that the program reads.
func TestDeploymentSettings(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"UPLINE_KEYS": true}
	settingNames(reflect.TypeFor[ServeCmd](), known)
	settingNames(reflect.TypeFor[Settings](), known)
	top := filepath.Join("..", "..", "..")
	files := []string{"Dockerfile", "compose.yaml", "deploy/upline.service", "docs/deployment.md"}
	more, err := filepath.Glob(filepath.Join(top, "deploy", "kubernetes", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range more {
		files = append(files, strings.TrimPrefix(file, top+string(filepath.Separator)))
	}
	name := regexp.MustCompile(`\b(?:UPLINE_[A-Z_]+|DATABASE_URL|REDIS_URL|BUS_URL|SHOPIFY_[A-Z_]+)\b`)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(top, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range name.FindAllString(string(text), -1) {
			found++
			if !known[setting] {
				t.Errorf("%s names %s, which nothing reads", file, setting)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d settings were found", found)
	}
}
