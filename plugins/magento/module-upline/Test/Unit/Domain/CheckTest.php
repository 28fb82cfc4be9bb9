<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Check;

/**
 * What the status page says.
 */
final class CheckTest extends TestCase
{
    private const NOW = 1800000000;

    /**
     * @param array<string, mixed> $change
     * @return array<string, mixed>
     */
    private static function facts(array $change = []): array
    {
        return $change + [
            'connected' => true, 'enabled' => true, 'hindrance' => '', 'pause_reason' => '', 'server' => 'https://u.example',
            'store_id' => 'shop', 'clock_offset' => 0, 'cron_silent' => false, 'cron_at' => '2027-01-15T08:00:00Z', 'waiting' => 0,
            'oldest_unsent_at' => '', 'last_sent' => '', 'last_error' => '', 'parked' => 0,
        ];
    }

    private static function text(Check $check): string
    {
        return implode(' ', array_map(static fn (array $sentence): string => (string) __(...$sentence), $check->sentences));
    }

    public function testAllIsWell(): void
    {
        $checks = Check::all(self::facts(), 200, '', self::NOW);
        self::assertCount(6, $checks);
        foreach ($checks as $check) {
            self::assertSame(Check::GOOD, $check->state, $check->name . ': ' . self::text($check));
        }
    }

    public function testEachTroubleIsTold(): void
    {
        $ago = gmdate('Y-m-d\TH:i:s\Z', self::NOW - 1000);
        foreach (
            [
                ['connection', Check::WARNING, 'Switched off', ['enabled' => false], 200, ''],
                ['connection', Check::BAD, 'copy', ['hindrance' => 'another_site'], 200, ''],
                ['connection', Check::BAD, 'gone', ['hindrance' => 'paused', 'pause_reason' => 'gone'], 200, ''],
                ['connection', Check::WARNING, 'once a minute', ['hindrance' => 'circuit'], 200, ''],
                ['signature', Check::BAD, 'timed out', [], 0, 'timed out'],
                ['signature', Check::BAD, 'Connect again', [], 401, 'no'],
                ['signature', Check::BAD, '503', [], 503, 'later'],
                ['clock', Check::WARNING, '3600', ['clock_offset' => 3600], 200, ''],
                ['cron', Check::BAD, 'Never', ['cron_silent' => true, 'cron_at' => ''], 200, ''],
                ['backlog', Check::BAD, 'boom', ['waiting' => 3, 'oldest_unsent_at' => $ago, 'last_error' => 'boom'], 200, ''],
                ['parked', Check::BAD, '7', ['parked' => 7], 200, ''],
                ['connection', Check::BAD, 'Not connected', ['connected' => false], 0, ''],
            ] as [$name, $state, $text, $change, $status, $detail]
        ) {
            $found = array_filter(
                Check::all(self::facts($change), $status, $detail, self::NOW),
                static fn (Check $check): bool => $check->name === $name
            );
            $check = current($found);
            self::assertSame($state, $check->state, self::text($check));
            self::assertStringContainsString($text, self::text($check));
        }
    }
}
