<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * A code of a distributor, to become a coupon.
 *
 * @api
 */
interface CouponInterface
{
    /**
     * The code.
     *
     * @return string
     */
    public function getCode(): string;

    /**
     * The code.
     *
     * @param string $value
     * @return $this
     */
    public function setCode(string $value): self;

    /**
     * Whose it is.
     *
     * @return string
     */
    public function getDistributorId(): string;

    /**
     * Whose it is.
     *
     * @param string $value
     * @return $this
     */
    public function setDistributorId(string $value): self;

    /**
     * Whether it counts.
     *
     * @return bool
     */
    public function isActive(): bool;

    /**
     * Whether it counts.
     *
     * @param bool $value
     * @return $this
     */
    public function setActive(bool $value): self;
}
