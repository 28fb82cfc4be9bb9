<?php
// Runs in a PHP of WebAssembly: parses every file of /plugin, runs its PHPUnit suite, and says so in one line. The exit code
// does not leave that PHP.
set_include_path('/library');
chdir('/plugin');
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/plugin', FilesystemIterator::SKIP_DOTS)) as $file) {
    if ('php' === $file->getExtension()) {
        token_get_all(file_get_contents((string) $file), TOKEN_PARSE);
    }
}
require 'PHPUnit/Autoload.php';
$_SERVER['argv'] = array('phpunit', '--configuration', 'phpunit.xml', '--log-junit', '/tmp/junit.xml');
$_SERVER['argc'] = count($_SERVER['argv']);
$code = PHPUnit\TextUI\Command::main(false);
preg_match('/<testsuite [^>]*tests="(\d+)"/', (string) file_get_contents('/tmp/junit.xml'), $found);
echo "\n", 0 === $code ? 'OK, PHP ' . PHP_VERSION . ': ' . ($found[1] ?? 0) . ' tests' : 'FAILED', "\n";
