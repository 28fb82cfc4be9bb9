<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Signature;

class SignatureTest extends TestCase
{
    private const BODY = '{"type":"test"}';

    /**
     * The vector of docs/plugin-protocol.md.
     */
    public function testVector(): void
    {
        self::assertSame(
            'v1,IMqiW1Or+sE+oOA7QeG6fxQJKKzId0aImvdj5LdoazM=',
            Signature::sign('ups_test', 'evt_1', 1767225600, self::BODY)
        );
    }

    /**
     * @return array<string, array{array<string, mixed>, string}>
     */
    public static function messages(): array
    {
        $good = Signature::sign('new', 'id', 1000, self::BODY);
        return [
            'genuine' => [[], ''],
            'old secret' => [['signature' => Signature::sign('old', 'id', 1000, self::BODY)], ''],
            'one of two' => [['signature' => 'v1,AAAA ' . $good], ''],
            'another secret' => [['signature' => Signature::sign('other', 'id', 1000, self::BODY)], 'signature'],
            'empty secret' => [['secrets' => [''], 'signature' => Signature::sign('', 'id', 1000, self::BODY)], 'signature'],
            'no secret' => [['secrets' => []], 'signature'],
            'another body' => [['body' => self::BODY . ' '], 'signature'],
            'another id' => [['id' => 'di'], 'signature'],
            'blank in the id' => [['id' => 'i d'], 'malformed'],
            'line end behind the id' => [['id' => "id\n"], 'malformed'],
            'no id' => [['id' => ''], 'malformed'],
            'no timestamp' => [['timestamp' => ''], 'malformed'],
            'signed timestamp' => [['timestamp' => '-1000'], 'malformed'],
            'endless signature' => [['signature' => str_repeat('v1,A ', 300)], 'malformed'],
            'late' => [['now' => 1301], 'clock'],
            'just in time' => [['now' => 1300], ''],
            'early' => [['now' => 699], 'clock'],
        ];
    }

    /**
     * @dataProvider messages
     * @param array<string, mixed> $change
     * @param string $want
     */
    #[DataProvider('messages')]
    public function testFault(array $change, string $want): void
    {
        $m = $change + [
            'secrets' => ['new', 'old'], 'id' => 'id', 'timestamp' => '1000', 'body' => self::BODY, 'now' => 1000,
            'signature' => Signature::sign('new', 'id', 1000, self::BODY),
        ];
        self::assertSame(
            $want,
            Signature::fault($m['secrets'], $m['id'], $m['timestamp'], $m['signature'], $m['body'], $m['now'])
        );
    }
}
