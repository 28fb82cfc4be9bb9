<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: the same facts give the same lines.

/**
 * One line of the status page: what was looked at, how it stands, and what mends it.
 */
class Check
{
    public const GOOD = 'good';
    public const WARNING = 'warning';
    public const BAD = 'bad';

    /**
     * @var array<int, array<int, string|int>> its sentences: each a phrase in English, and what stands for %1, %2...
     */
    public readonly array $sentences;

    /**
     * @param string $name
     * @param string $state one of the constants
     * @param array<int, string|int> ...$sentences
     */
    private function __construct(public readonly string $name, public readonly string $state, array ...$sentences)
    {
        $this->sentences = $sentences;
    }

    /**
     * All checks, from the facts of Model\Status and the answer of one signed call.
     *
     * @param array<string, string|int|bool> $facts
     * @param int $status of the call; 0 where none came
     * @param string $detail of the call
     * @param int $now Unix seconds
     * @return self[]
     */
    public static function all(array $facts, int $status, string $detail, int $now): array
    {
        if (!$facts['connected']) {
            return [
                new self(
                    'connection',
                    self::BAD,
                    ['Not connected. Connect under Stores > Configuration > Sales > Upline.']
                ),
                self::cron($facts),
            ];
        }
        return [
            self::connection($facts),
            self::signature($status, $detail),
            self::clock((int) $facts['clock_offset']),
            self::cron($facts),
            self::backlog($facts, $now),
            self::parked((int) $facts['parked']),
        ];
    }

    /**
     * The connection.
     *
     * @param array<string, string|int|bool> $facts
     * @return self
     */
    private static function connection(array $facts): self
    {
        return match (true) {
            !$facts['enabled'] => new self(
                'connection',
                self::WARNING,
                ['Switched off in the configuration: orders are not told.']
            ),
            $facts['hindrance'] === 'another_site' => new self(
                'connection',
                self::BAD,
                ['This is a copy, or the shop has moved: nothing is sent.'],
                ['Disconnect a copy; connect a shop that has moved anew.']
            ),
            $facts['hindrance'] === 'paused' => new self(
                'connection',
                self::BAD,
                ['The server does not know this shop any more, or its secret: %1', $facts['pause_reason']],
                ['Connect again.']
            ),
            $facts['hindrance'] === 'circuit' => new self(
                'connection',
                self::WARNING,
                ['The server did not answer several times; it is tried once a minute. Nothing is lost.']
            ),
            default => new self(
                'connection',
                self::GOOD,
                ['Connected to %1 as %2.', $facts['server'], $facts['store_id']]
            ),
        };
    }

    /**
     * The signed call that was made for this page.
     *
     * @param int $status
     * @param string $detail
     * @return self
     */
    private static function signature(int $status, string $detail): self
    {
        return match (true) {
            $status === 200 => new self('signature', self::GOOD, ['The server took a signed call a moment ago.']),
            $status === 0 => new self('signature', self::BAD, ['The server did not answer: %1', $detail]),
            $status === 401 => new self(
                'signature',
                self::BAD,
                ['The server refuses the signature: %1', $detail],
                ['Connect again.']
            ),
            default => new self('signature', self::BAD, ['The server answered %1: %2', $status, $detail]),
        };
    }

    /**
     * The clock, as the server told it.
     *
     * @param int $offset seconds
     * @return self
     */
    private static function clock(int $offset): self
    {
        return abs($offset) <= 60
            ? new self('clock', self::GOOD, ['In step with the server.'])
            : new self(
                'clock',
                self::WARNING,
                ['Off by %1 s. Orders are signed by the server\'s time meanwhile; set this clock by NTP.', $offset]
            );
    }

    /**
     * Our own cron group.
     *
     * @param array<string, string|int|bool> $facts
     * @return self
     */
    private static function cron(array $facts): self
    {
        return $facts['cron_silent']
            ? new self(
                'cron',
                self::BAD,
                $facts['cron_at'] === '' ? ['Never ran.'] : ['Last ran at %1.', $facts['cron_at']],
                ['Run bin/magento cron:install, or call bin/magento cron:run each minute.']
            )
            : new self('cron', self::GOOD, ['Ran at %1.', $facts['cron_at']]);
    }

    /**
     * What waits.
     *
     * @param array<string, string|int|bool> $facts
     * @param int $now
     * @return self
     */
    private static function backlog(array $facts, int $now): self
    {
        $last = $facts['last_sent'] === '' ? ['None was sent yet.'] : ['The last was sent at %1.', $facts['last_sent']];
        if ((int) $facts['waiting'] === 0) {
            return new self('backlog', self::GOOD, ['Nothing waits.'], $last);
        }
        $oldest = (int) strtotime((string) $facts['oldest_unsent_at']);
        $state = $now - $oldest > 900 ? self::BAD : self::GOOD;
        return new self(
            'backlog',
            $state,
            ['%1 wait, the oldest since %2.', $facts['waiting'], $facts['oldest_unsent_at']],
            $last,
            ...($facts['last_error'] === '' ? [] : [['Last trouble: %1', $facts['last_error']]])
        );
    }

    /**
     * What the server could not take.
     *
     * @param int $count
     * @return self
     */
    private static function parked(int $count): self
    {
        return $count === 0
            ? new self('parked', self::GOOD, ['None.'])
            : new self(
                'parked',
                self::BAD,
                ['%1 deliveries were refused. See Deliveries: each says why, and can be sent again.', $count]
            );
    }
}
