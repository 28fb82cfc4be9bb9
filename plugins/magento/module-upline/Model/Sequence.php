<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

/**
 * Sequences of snapshots: the id of the outbox row above an offset, which begins at the second of its first use. Tables
 * that were removed and made again, or restored from a backup, begin with ids that were used before; connecting again
 * lifts the offset to the second at hand.
 */
class Sequence
{
    private const OFFSET = 'sequence_offset';

    /**
     * @param State $state
     * @param Outbox $outbox
     * @param Clock $clock
     */
    public function __construct(
        private readonly State $state,
        private readonly Outbox $outbox,
        private readonly Clock $clock
    ) {
    }

    /**
     * The sequence of a row.
     *
     * @param int $rowId
     * @return int
     */
    public function of(int $rowId): int
    {
        $offset = $this->state->get(0, self::OFFSET);
        if ($offset === null) {
            $offset = $this->clock->now();
            $this->state->set(0, [self::OFFSET => $offset]);
        }
        return $rowId + (int) $offset;
    }

    /**
     * Sees to it that all later sequences are above one.
     *
     * @param int $sequence the highest that the server knows
     * @return void
     */
    public function raise(int $sequence): void
    {
        $offset = (int) $this->state->get(0, self::OFFSET);
        $needed = $sequence - $this->outbox->highest();
        if ($needed > $offset) {
            $this->state->set(0, [self::OFFSET => $needed]);
        }
    }
}
