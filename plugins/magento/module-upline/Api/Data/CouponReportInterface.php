<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * What became of coupons.
 *
 * @api
 */
interface CouponReportInterface
{
    /**
     * Coupons that were made.
     *
     * @return int
     */
    public function getAdded(): int;

    /**
     * Coupons that were there.
     *
     * @return int
     */
    public function getKnown(): int;

    /**
     * Coupons that were removed.
     *
     * @return int
     */
    public function getEnded(): int;

    /**
     * Codes that could not become coupons, each "code: reason".
     *
     * @return string[]
     */
    public function getFaults(): array;
}
