package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	plugin = "../../../plugins/woocommerce/upline-for-woocommerce"
	module = "../../../plugins/magento/module-upline"
)

// TestSameBytes packs the plugin twice, with other dates in between.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "some-plugin")
	if err := os.CopyFS(folder, os.DirFS(plugin)); err != nil {
		t.Fatal(err)
	}
	first := packed(t, folder, filepath.Join(dir, "dist", "1.zip"))
	if err := os.Chtimes(filepath.Join(folder, "readme.txt"), time.Now(), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(folder, "readme.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if second := packed(t, folder, filepath.Join(dir, "dist", "2.zip")); !bytes.Equal(first, second) {
		t.Error("the two files differ")
	}
}

// TestContents holds what is installed, and what is not.
func TestContents(t *testing.T) {
	t.Parallel()
	body := packed(t, plugin, filepath.Join(t.TempDir(), "p.zip"))
	in, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(in.File))
	for _, file := range in.File {
		names = append(names, file.Name)
		if strings.Contains(file.Name, "/tests/") || strings.Contains(file.Name, "/.") || strings.Contains(file.Name, "phpunit") {
			t.Errorf("%s has no place in the zip", file.Name)
		}
	}
	for _, want := range []string{"upline-for-woocommerce.php", "readme.txt", "uninstall.php", "license.txt", "includes/logic/class-snapshot.php", "languages/upline-for-woocommerce.pot"} {
		if !slices.Contains(names, "upline-for-woocommerce/"+want) {
			t.Errorf("%s is missing among %d files", want, len(names))
		}
	}
}

// TestModule holds what the package of the Magento module installs, and what it does not.
func TestModule(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "module.zip")
	if err := run([]string{"--composer", "1.2.3", module, target}); err != nil {
		t.Fatal(err)
	}
	in, err := zip.OpenReader(target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	names := make([]string, 0, len(in.File))
	for _, file := range in.File {
		names = append(names, file.Name)
		if strings.HasPrefix(file.Name, "Test") || strings.HasPrefix(path.Base(file.Name), ".") || strings.Contains(file.Name, "phpunit") {
			t.Errorf("%s has no place in the package", file.Name)
		}
	}
	for _, want := range []string{"composer.json", "registration.php", "README.md", "etc/module.xml", "etc/db_schema.xml", "Domain/Snapshot.php", "Model/Sender.php"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing among %d files", want, len(names))
		}
	}
	// Composer takes nothing from an archive that does not say its version.
	file, err := in.Open("composer.json")
	if err != nil {
		t.Fatal(err)
	}
	described := struct{ Name, Version string }{}
	if err := json.NewDecoder(file).Decode(&described); err != nil || described.Name != "upline/module-commission" || described.Version != "1.2.3" {
		t.Errorf("composer.json says %+v, %v; want upline/module-commission 1.2.3", described, err)
	}
	for _, args := range [][]string{
		{"--composer", "1.2.3", t.TempDir(), target}, // There is no composer.json.
		{"--composer", "", module, target},
		{"--composer", module, target},
	} {
		if err := run(args); err == nil {
			t.Errorf("pluginzip %v makes a package", args)
		}
	}
}

// TestVersions holds the places that name the version against each other.
func TestVersions(t *testing.T) {
	t.Parallel()
	found := map[string]string{}
	for file, pattern := range map[string]string{
		"upline-for-woocommerce.php": `(?m)^ \* Version: +(\S+)$`,
		"readme.txt":                 `(?m)^Stable tag: (\S+)$`,
	} {
		body, err := os.ReadFile(filepath.Join(plugin, file))
		if err != nil {
			t.Fatal(err)
		}
		match := regexp.MustCompile(pattern).FindSubmatch(body)
		if match == nil {
			t.Fatalf("%s names no version", file)
		}
		found[file] = string(match[1])
	}
	if found["readme.txt"] != found["upline-for-woocommerce.php"] {
		t.Errorf("the versions differ: %v", found)
	}
	body, err := os.ReadFile(filepath.Join(plugin, "upline-for-woocommerce.php"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "const VERSION = '" + found["readme.txt"] + "';"; !bytes.Contains(body, []byte(want)) {
		t.Errorf("the code does not say %s", want)
	}
}

// TestTouchScript holds the script of every storefront page below 3 kB as sent.
func TestTouchScript(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join(plugin, "assets", "touch.js"))
	if err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	out := gzip.NewWriter(&sent)
	if _, err := out.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if sent.Len() >= 3<<10 {
		t.Errorf("touch.js is %d bytes as sent, the limit is 3 kB", sent.Len())
	}
}

func packed(t *testing.T, folder, target string) []byte {
	t.Helper()
	if err := pack(folder, target, filepath.Base(folder), nil); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
