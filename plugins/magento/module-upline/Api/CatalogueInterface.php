<?php

declare(strict_types=1);

namespace Upline\Commission\Api;

/**
 * What the server reads of the catalogue, and the coupons that it asks for.
 *
 * @api
 */
interface CatalogueInterface
{
    /**
     * Products by id with their stock as it can be sold.
     *
     * @param int $afterId those with a higher id alone
     * @param int $limit 1 to 200
     * @param int $websiteId whose stock; 0 for that of the connection which calls, else the default one
     * @return \Upline\Commission\Api\Data\ArticleInterface[]
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function articles(int $afterId = 0, int $limit = 100, int $websiteId = 0): array;

    /**
     * Makes a coupon of each active code and removes ours of the others. Coupons that somebody else made stay.
     *
     * @param \Upline\Commission\Api\Data\CouponInterface[] $coupons up to 500
     * @param string $percent discount as decimal text; empty for the shop's own setting
     * @return \Upline\Commission\Api\Data\CouponReportInterface
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function coupons(array $coupons, string $percent = ''): \Upline\Commission\Api\Data\CouponReportInterface;
}
