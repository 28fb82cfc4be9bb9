<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Reference;
use Upline\Commission\Domain\Site;

class ReferenceTest extends TestCase
{
    private const NOW = 1795218600;
    private const WINDOW = 30 * 86400;

    /**
     * @return array<string, array{mixed, string}>
     */
    public static function codes(): array
    {
        return [
            'code' => ['ANNA10', 'ANNA10'], 'blanks around' => [' ana ', 'ana'], 'letters of any tongue' => ['Jürgen-1', 'Jürgen-1'],
            'longest' => [str_repeat('a', 64), str_repeat('a', 64)], 'too long' => [str_repeat('a', 65), ''],
            'e-mail' => ['a@example.com', ''], 'script' => ['<script>', ''], 'blank within' => ['a b', ''], 'empty' => ['', ''],
            'list' => [['x'], ''], 'number' => [7, ''], 'broken' => ["\xff", ''], 'begins with a point' => ['.a', ''],
        ];
    }

    /**
     * @dataProvider codes
     * @param mixed $code
     * @param string $want
     */
    #[DataProvider('codes')]
    public function testClean(mixed $code, string $want): void
    {
        self::assertSame($want, Reference::clean($code));
    }

    public function testOpen(): void
    {
        $cookie = json_encode(['f' => ['ana', self::NOW - 100, '/tea?secret=1'], 'l' => ['ben', self::NOW - 50, '/']]);
        self::assertSame([
            'first' => ['ref' => 'ana', 'at' => self::NOW - 100, 'path' => '/tea'],
            'last' => ['ref' => 'ben', 'at' => self::NOW - 50, 'path' => '/'],
        ], Reference::open($cookie, self::NOW, self::WINDOW));
    }

    /**
     * @return array<string, array{mixed}>
     */
    public static function foreign(): array
    {
        return [
            'none' => [null], 'no JSON' => ['ana'], 'a number' => ['7'], 'list' => ['[["ana",1]]'],
            'too old' => ['{"l":["ana",' . (self::NOW - self::WINDOW - 1) . ',"/"]}'],
            'of tomorrow' => ['{"l":["ana",' . (self::NOW + 86401) . ',"/"]}'],
            'time as text' => ['{"l":["ana","' . self::NOW . '","/"]}'], 'no time' => ['{"l":["ana"]}'],
            'no code' => ['{"l":["<b>",' . self::NOW . ',"/"]}'], 'nested' => ['{"l":{"l":["ana",1]}}'],
            'endless' => ['{"l":["ana",' . self::NOW . ',"' . str_repeat('/', 3000) . '"]}'],
        ];
    }

    /**
     * @dataProvider foreign
     * @param mixed $cookie
     */
    #[DataProvider('foreign')]
    public function testForeignCookieTellsNothing(mixed $cookie): void
    {
        self::assertSame([], Reference::open($cookie, self::NOW, self::WINDOW));
    }

    public function testSettingFirstTellsTheFirstVisitAlone(): void
    {
        $touches = ['first' => ['ref' => 'ana', 'at' => 1, 'path' => ''], 'last' => ['ref' => 'ben', 'at' => 2, 'path' => '']];
        self::assertSame(['first' => $touches['first']], Reference::counted($touches, 'first'));
        self::assertSame($touches, Reference::counted($touches, 'last'));
        self::assertSame([], Reference::counted([], 'first'));
    }

    public function testSites(): void
    {
        self::assertSame('shop.example.com/de', Site::name('https://Shop.Example.com:443/de/'));
        self::assertSame('shop.example.com', Site::name('http://shop.example.com/index.php/'));
        self::assertSame('shop.example.com:8443', Site::name('https://shop.example.com:8443/'));
        self::assertTrue(Site::same('http://shop.example.com/', 'https://SHOP.example.com'));
        self::assertFalse(Site::same('https://shop.example.com/', 'https://staging.example.com/'));
        self::assertFalse(Site::same('', ''));
        self::assertSame('https://shop.example.com', Site::told('https://shop.example.com/index.php/'));
    }
}
