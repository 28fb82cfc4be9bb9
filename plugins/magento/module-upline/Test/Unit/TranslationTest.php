<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit;

use PHPUnit\Framework\TestCase;

/**
 * That every text of the module is in i18n/en_US.csv, from which translations are made, and nothing else is.
 */
class TranslationTest extends TestCase
{
    private const ROOT = __DIR__ . '/../..';

    /**
     * A literal, or several that are joined.
     */
    private const LITERAL = "((?:'(?:[^'\\\\]|\\\\.)*'\s*\.?\s*)+)";

    public function testEveryTextIsListed(): void
    {
        $listed = $used = [];
        $file = fopen(self::ROOT . '/i18n/en_US.csv', 'rb');
        while ($row = fgetcsv($file, 0, ',', '"', '')) {
            self::assertCount(2, $row, $row[0]);
            self::assertArrayNotHasKey($row[0], $listed, 'listed twice');
            $listed[$row[0]] = true;
        }
        fclose($file);
        foreach (self::files() as $path) {
            $text = (string) file_get_contents($path);
            $used += str_ends_with($path, '.xml') ? self::ofXml($text) : self::ofPhp($path, $text);
        }
        self::assertGreaterThan(100, count($used));
        self::assertSame([], array_diff_key($used, $listed), 'used and not listed');
        self::assertSame([], array_diff_key($listed, $used), 'listed and not used');
    }

    /**
     * The module's own files that may hold texts.
     *
     * @return string[] paths
     */
    private static function files(): array
    {
        $found = [];
        $all = new \RecursiveIteratorIterator(
            new \RecursiveDirectoryIterator((string) realpath(self::ROOT), \FilesystemIterator::SKIP_DOTS)
        );
        foreach ($all as $file) {
            $wanted = in_array($file->getExtension(), ['php', 'phtml', 'xml'], true);
            if ($wanted && !str_starts_with((string) $file, realpath(self::ROOT) . '/Test/')) {
                $found[] = (string) $file;
            }
        }
        return $found;
    }

    /**
     * Phrases, and the texts of the domain, which knows no phrases: faults of an invitation and sentences of a check.
     *
     * @param string $path
     * @param string $text
     * @return array<string, string> paths by text
     */
    private static function ofPhp(string $path, string $text): array
    {
        $patterns = ['/\b__\(\s*' . self::LITERAL . '/'];
        if (str_ends_with($path, '/Domain/Invitation.php')) {
            $patterns[] = '/InvalidArgumentException\(\s*' . self::LITERAL . '/';
        } elseif (str_ends_with($path, '/Domain/Check.php')) {
            $patterns[] = '/(?<!\w)\[' . self::LITERAL . '/';
        }
        $used = [];
        foreach ($patterns as $pattern) {
            preg_match_all($pattern, $text, $found);
            foreach ($found[1] as $literals) {
                preg_match_all("/'((?:[^'\\\\]|\\\\.)*)'/", $literals, $parts);
                $used[str_replace("\\'", "'", implode('', $parts[1]))] = basename($path);
            }
        }
        return $used;
    }

    /**
     * Names of rights and of the menu, and what is marked by translate="true", or by the names of the children that are
     * translated.
     *
     * @param string $text
     * @return array<string, string> "XML" by text
     */
    private static function ofXml(string $text): array
    {
        $used = [];
        $xml = new \SimpleXMLElement($text);
        foreach ($xml->xpath('//resource/@title | //menu/add/@title') as $title) {
            $used[(string) $title] = 'XML';
        }
        foreach ($xml->xpath('//*[@translate]') as $node) {
            $names = (string) $node['translate'];
            foreach ($names === 'true' ? [$node] : $node->xpath(str_replace(' ', '|', $names)) as $told) {
                $used[trim((string) $told)] = 'XML';
            }
        }
        return $used;
    }
}
