<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * Whose sale an order is, as far as the shop knows.
 *
 * @api
 */
interface ReferenceInterface
{
    /**
     * What somebody chose in the admin, or empty.
     *
     * @return string
     */
    public function getManual(): string;

    /**
     * What the buyer typed or a headless shop set, or empty.
     *
     * @return string
     */
    public function getField(): string;

    /**
     * The first visit by a share link.
     *
     * @return \Upline\Commission\Api\Data\TouchInterface|null
     */
    public function getFirst(): ?TouchInterface;

    /**
     * The last visit by a share link.
     *
     * @return \Upline\Commission\Api\Data\TouchInterface|null
     */
    public function getLast(): ?TouchInterface;
}
