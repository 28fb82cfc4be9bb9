<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: the waits are the protocol's.

/**
 * When to try again. Nothing is given up: the last step is repeated.
 */
class Delay
{
    /**
     * Seconds after the first, second ... failed attempt.
     */
    public const STEPS = [10, 60, 300, 900, 3600, 21600];

    /**
     * How long the queue rests when the server does not know us, in seconds. Connecting again ends it.
     */
    public const PAUSE = 900;

    /**
     * A row that a dead process left in "sending" is taken back after so many seconds.
     */
    public const CLAIM = 120;

    /**
     * Seconds to wait after the nth failed attempt, up to a fifth longer by chance, so that a backlog does not come
     * back all at once.
     *
     * @param int $attempts attempts so far, 1 or more
     * @param int $chance 0 to 999
     * @return int
     */
    public static function after(int $attempts, int $chance): int
    {
        $delay = self::STEPS[max(0, min(count(self::STEPS), $attempts) - 1)];
        return $delay + intdiv($delay * max(0, min(999, $chance)), 5000);
    }

    /**
     * What a Retry-After header asks for, at least our own delay and at most an hour more.
     *
     * @param string $header the header, in seconds; dates are not honoured
     * @param int $delay our own delay, in seconds
     * @return int seconds
     */
    public static function asked(string $header, int $delay): int
    {
        $header = trim($header);
        return preg_match('/^\d{1,6}$/D', $header) === 1 ? max($delay, min(3600, (int) $header)) : $delay;
    }
}
