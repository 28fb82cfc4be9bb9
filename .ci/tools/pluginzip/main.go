// Command pluginzip packs a folder into a zip file that is the same byte by byte whoever packs it, and whenever.
//
//	pluginzip FOLDER ZIP
//	pluginzip --composer FOLDER ZIP
//
// The folder's name is the first part of every path, as WordPress wants it; with --composer paths begin in the folder, and
// composer.json has to be there. Tests, their settings and whatever begins with a dot stay out.
package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// stamp is the date of every entry: zip files cannot hold an earlier one.
var stamp = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// tests are what a shop has no use for.
var tests = []string{"tests", "Test", "phpunit.xml"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pluginzip:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	composer := len(args) > 0 && args[0] == "--composer"
	if composer {
		args = args[1:]
	}
	if len(args) != 2 {
		return errors.New("usage: pluginzip [--composer] FOLDER ZIP")
	}
	if !composer {
		return pack(args[0], args[1], filepath.Base(args[0]))
	}
	if _, err := os.Stat(filepath.Join(args[0], "composer.json")); err != nil {
		return fmt.Errorf("a package of Composer: %w", err)
	}
	return pack(args[0], args[1], "")
}

// pack writes the zip file beside its place and moves it there when it is whole. Every path begins with top.
func pack(folder, target, top string) error {
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
	if err := addAll(out, folder, top); err != nil {
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
func addAll(out *zip.Writer, folder, top string) error {
	return filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil || relative == "." {
			return err
		}
		if kept(filepath.ToSlash(relative)) {
			if entry.IsDir() {
				return nil
			}
			return add(out, name, path.Join(top, filepath.ToSlash(relative)))
		}
		if entry.IsDir() {
			return filepath.SkipDir
		}
		return nil
	})
}

// kept says whether a path is part of the plugin as installed.
func kept(relative string) bool {
	return !strings.HasPrefix(path.Base(relative), ".") && !slices.Contains(tests, relative)
}

func add(out *zip.Writer, name, as string) error {
	body, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
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
