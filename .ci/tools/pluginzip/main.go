// Command pluginzip packs a folder into a zip file that is the same byte by byte whoever packs it, and whenever.
//
//	pluginzip FOLDER ZIP
//	pluginzip --composer VERSION FOLDER ZIP
//
// The folder's name is the first part of every path, as WordPress wants it. With --composer paths begin in the folder, and
// composer.json, which has to be there, gets the version: a repository of archives has no tags to learn it from. Tests, their
// settings and whatever begins with a dot stay out.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// stamp is the date of every entry: zip files cannot hold an earlier one.
var stamp = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// tests are what a shop has no use for.
var tests = []string{"tests", "Test", "phpunit.xml"}

// description is what Composer reads of a package.
const description = "composer.json"

// versions are those of releases.
var versions = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pluginzip:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 4 && args[0] == "--composer" {
		return packComposer(args[1], args[2], args[3])
	}
	if len(args) != 2 || args[0] == "--composer" {
		return errors.New("usage: pluginzip [--composer VERSION] FOLDER ZIP")
	}
	return pack(args[0], args[1], filepath.Base(args[0]), nil)
}

// packComposer packs a package of Composer, whose description names its version.
func packComposer(version, folder, target string) error {
	body, err := os.ReadFile(filepath.Join(folder, description))
	if err != nil {
		return fmt.Errorf("a package of Composer: %w", err)
	}
	if body, err = withVersion(body, version); err != nil {
		return err
	}
	return pack(folder, target, "", map[string][]byte{description: body})
}

// withVersion gives a package's description its version, which must not be there yet.
func withVersion(body []byte, version string) ([]byte, error) {
	if !versions.MatchString(version) {
		return nil, fmt.Errorf("version %q: want it as 1.2.3", version)
	}
	was := struct{ Name, Version string }{}
	if err := json.Unmarshal(body, &was); err != nil || was.Name == "" || was.Version != "" {
		return nil, fmt.Errorf("%s: want a name and no version (%w)", description, err)
	}
	brace := bytes.IndexByte(body, '{') + 1
	return slices.Concat(body[:brace], []byte("\n    \"version\": \""+version+"\","), body[brace:]), nil
}

// pack writes the zip file beside its place and moves it there when it is whole. Every path begins with top.
// Files that are given here are packed with these bytes.
func pack(folder, target, top string, instead map[string][]byte) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return fmt.Errorf("make the folder of %s: %w", target, err)
	}
	file, err := os.CreateTemp(filepath.Dir(target), ".pluginzip-*")
	if err != nil {
		return fmt.Errorf("make %s: %w", target, err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // Nothing is there once it was moved.
	defer func() { _ = file.Close() }()
	out := zip.NewWriter(file)
	if err := addAll(out, folder, top, instead); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("end %s: %w", target, err)
	}
	if err := file.Chmod(0o644); err != nil {
		return fmt.Errorf("share %s: %w", target, err)
	}
	return os.Rename(file.Name(), target)
}

// addAll adds the files of a folder in the order of their names, which is how WalkDir visits them.
func addAll(out *zip.Writer, folder, top string, instead map[string][]byte) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("open %s: %w", folder, err)
	}
	defer func() { _ = root.Close() }()
	return filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil || relative == "." {
			return err
		}
		relative = filepath.ToSlash(relative)
		switch {
		case !kept(relative) && entry.IsDir():
			return filepath.SkipDir
		case !kept(relative) || entry.IsDir():
			return nil
		}
		body := instead[relative]
		if body == nil {
			if body, err = root.ReadFile(relative); err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		}
		return add(out, body, path.Join(top, relative))
	})
}

// kept says whether a path is part of the plugin as installed.
func kept(relative string) bool {
	return !strings.HasPrefix(path.Base(relative), ".") && !slices.Contains(tests, relative)
}

func add(out *zip.Writer, body []byte, as string) error {
	header := &zip.FileHeader{Name: as, Method: zip.Deflate, Modified: stamp}
	header.SetMode(0o644)
	entry, err := out.CreateHeader(header)
	if err != nil {
		return fmt.Errorf("add %s: %w", as, err)
	}
	if _, err := entry.Write(body); err != nil {
		return fmt.Errorf("add %s: %w", as, err)
	}
	return nil
}
