<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

/**
 * Sequences of snapshots: the id of the outbox row, above whatever the server knows already. A shop restored from a
 * backup begins with ids that were used before.
 */
class Sequence
{
    private const OFFSET = 'sequence_offset';

    /**
     * @param State $state
     * @param Outbox $outbox
     */
    public function __construct(private readonly State $state, private readonly Outbox $outbox)
    {
    }

    /**
     * The sequence of a row.
     *
     * @param int $rowId
     * @return int
     */
    public function of(int $rowId): int
    {
        return $rowId + (int) $this->state->get(0, self::OFFSET);
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
