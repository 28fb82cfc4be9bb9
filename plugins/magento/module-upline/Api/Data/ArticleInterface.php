<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * A product as it is sold.
 *
 * @api
 */
interface ArticleInterface
{
    /**
     * Id of the product.
     *
     * @return int
     */
    public function getId(): int;

    /**
     * SKU, as rows of orders name it.
     *
     * @return string
     */
    public function getSku(): string;

    /**
     * Name.
     *
     * @return string
     */
    public function getName(): string;

    /**
     * Type, such as simple.
     *
     * @return string
     */
    public function getType(): string;

    /**
     * Price as decimal text in the base currency.
     *
     * @return string
     */
    public function getPrice(): string;

    /**
     * What can be sold, as decimal text.
     *
     * @return string
     */
    public function getQuantity(): string;

    /**
     * Whether its stock is counted.
     *
     * @return bool
     */
    public function isCounted(): bool;
}
