<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * One order of the list that reconciliation reads.
 *
 * @api
 */
interface OrderDigestInterface
{
    /**
     * Id of the order.
     *
     * @return int
     */
    public function getEntityId(): int;

    /**
     * When it was changed last, RFC 3339.
     *
     * @return string
     */
    public function getUpdatedAt(): string;

    /**
     * SHA-256 of what would be told now; 64 hexadecimal digits.
     *
     * @return string
     */
    public function getHash(): string;

    /**
     * Of what was told last; 0 where nothing was.
     *
     * @return int
     */
    public function getSequence(): int;

    /**
     * Whether what would be told now differs from what was told last.
     *
     * @return bool
     */
    public function isDirty(): bool;
}
