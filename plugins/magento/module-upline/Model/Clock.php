<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

/**
 * The time, so that tests can have their own.
 */
class Clock
{
    /**
     * Unix seconds.
     *
     * @return int
     */
    public function now(): int
    {
        return time();
    }

    /**
     * Seconds from some fixed point, for spans.
     *
     * @return float
     */
    public function seconds(): float
    {
        return hrtime(true) / 1e9;
    }
}
