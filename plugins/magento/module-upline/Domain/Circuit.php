<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

/**
 * Keeps the processes of a busy shop from all waiting for a dead server: after five failures in a row nothing is sent
 * after responses any more, and one attempt a minute asks whether the server is back.
 */
class Circuit
{
    public const FAILURES = 5;

    /** Seconds between two attempts while it is open. */
    public const PROBE = 60;

    /**
     * A circuit as it was remembered.
     *
     * @param int $failures in a row
     * @param int $probeAt Unix seconds before which nothing is sent
     */
    public function __construct(public readonly int $failures = 0, public readonly int $probeAt = 0)
    {
    }

    /**
     * Whether the server is thought dead.
     *
     * @return bool
     */
    public function isOpen(): bool
    {
        return $this->failures >= self::FAILURES;
    }

    /**
     * Whether to send now.
     *
     * @param int $now Unix seconds
     * @return bool
     */
    public function lets(int $now): bool
    {
        return !$this->isOpen() || $now >= $this->probeAt;
    }

    /**
     * How many may be sent at once: one where it is only asked whether the server is back.
     *
     * @param int $most otherwise
     * @return int
     */
    public function width(int $most): int
    {
        return $this->isOpen() ? 1 : $most;
    }

    /**
     * After one more failure.
     *
     * @param int $now Unix seconds
     * @return self
     */
    public function failed(int $now): self
    {
        $failures = min(1000, $this->failures + 1);
        return new self($failures, $failures >= self::FAILURES ? $now + self::PROBE : 0);
    }
}
